import { setTimeout as delay } from "node:timers/promises"
import {
  APICallError,
  jsonSchema,
  type LanguageModel,
  streamText,
  type TextStreamPart,
  ToolChoiceViolationError,
  type ToolSet,
  tool,
} from "ai"
import { jitter, readRetryAfterMs } from "./breaker.ts"
import type { ModelPrompt, ModelTool } from "./chat-model.ts"

const firstTokenMs = 20_000
const stepMs = 90_000

/** The most a model may write at once. */
export const maxOutputTokens = 1_000

/** What no model writes of its own accord within that: a server that goes on is not listened to. */
const mostChars = 16 * maxOutputTokens

/** One retry, and only of a call that failed before it answered; ours, since the SDK's waits seconds without jitter. */
export const maxRetries = 1
const retryMs = 250

/** As the model wrote it: the name may be none of ours, the input anything. */
export type RequestedCall = { name: string; input: unknown }

export type StepOutcome = {
  text: string
  calls: RequestedCall[]
  reported: { inputTokens: number; cachedTokens: number; outputTokens: number } | null
  error: unknown
}

/**
 * One call of a model: yields its words, returns what else came. Tools are told, never run: streamModel does
 * that. Never throws.
 */
export async function* streamStep(
  model: LanguageModel,
  { instructions, messages }: ModelPrompt,
  tools: { list: ModelTool[]; areClosed: boolean },
  signal: AbortSignal,
): AsyncGenerator<string, StepOutcome> {
  for (let retries = 0; ; retries += 1) {
    const outcome = yield* tryStep(model, { instructions, messages }, tools, signal)
    const hasBegun = outcome.text !== "" || outcome.calls.length > 0
    if (hasBegun || retries === maxRetries || !isPassing(outcome.error)) return outcome
    await delay(jitter(retryMs), null, { signal }).catch(() => {})
    if (signal.aborted) return outcome
  }
}

/** Overload, a fault on their side or a line that broke; not one that asks for a longer pause than a visitor waits. */
function isPassing(error: unknown): boolean {
  return APICallError.isInstance(error) && error.isRetryable && readRetryAfterMs(error) <= 1_000
}

async function* tryStep(
  model: LanguageModel,
  { instructions, messages }: ModelPrompt,
  tools: { list: ModelTool[]; areClosed: boolean },
  signal: AbortSignal,
): AsyncGenerator<string, StepOutcome> {
  const outcome: StepOutcome = { text: "", calls: [], reported: null, error: null }
  const cut = new AbortController()
  let charsLeft = mostChars
  try {
    const result = streamText({
      model,
      instructions,
      messages,
      // Told even when closed: some providers refuse a talk with calls in it otherwise.
      ...(tools.list.length > 0
        ? { tools: toToolSet(tools.list), toolChoice: tools.areClosed ? "none" : "auto" }
        : {}),
      abortSignal: AbortSignal.any([signal, cut.signal]),
      maxOutputTokens,
      maxRetries: 0,
      timeout: { firstChunkMs: firstTokenMs, totalMs: stepMs },
      onError: ({ error }) => {
        outcome.error = error
      },
    })
    for await (const part of result.stream) {
      if (part.type === "text-delta") {
        const piece = part.text.slice(0, charsLeft)
        outcome.text += piece
        if (piece) yield piece
      }
      charsLeft -= countChars(part)
      if (charsLeft < 0) {
        outcome.error = new Error("the model wrote more than it was asked for")
        break
      }
      if (part.type === "tool-call") {
        outcome.calls.push({ name: part.toolName, input: part.input })
      } else if (part.type === "finish") {
        const { inputTokens, outputTokens, inputTokenDetails } = part.totalUsage
        const cachedTokens = inputTokenDetails.cacheReadTokens ?? 0
        if (inputTokens !== undefined && outputTokens !== undefined)
          outcome.reported = { inputTokens, cachedTokens, outputTokens }
      } else if (part.type === "error") outcome.error = part.error
      else if (part.type === "abort" && !signal.aborted)
        outcome.error = new Error("the model took too long")
    }
  } catch (cause) {
    outcome.error = cause
  } finally {
    cut.abort()
  }
  // A model that calls when it may only speak is not obeyed, and its words stand.
  if (ToolChoiceViolationError.isInstance(outcome.error)) outcome.error = null
  return outcome
}

/** What a part makes a model's answer longer by: words, thoughts and the arguments of calls. */
function countChars(part: TextStreamPart<ToolSet>): number {
  switch (part.type) {
    case "text-delta":
    case "reasoning-delta":
      return part.text.length
    case "tool-input-delta":
      return part.delta.length
    default:
      return 0
  }
}

function toToolSet(list: ModelTool[]): ToolSet {
  return Object.fromEntries(
    list.map(({ name, description, parameters }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters) }),
    ]),
  )
}
