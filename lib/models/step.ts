import {
  jsonSchema,
  type LanguageModel,
  streamText,
  ToolChoiceViolationError,
  type ToolSet,
  tool,
} from "ai"
import type { ModelPrompt, ModelTool } from "./chat-model.ts"

const firstTokenMs = 20_000
const stepMs = 90_000

/** The most a model may write at once. */
export const maxOutputTokens = 1_000

/** One retry, and only of a call that failed before it answered. */
export const maxRetries = 1

/** As the model wrote it: the name may be none of ours, the input anything. */
export type RequestedCall = { name: string; input: unknown }

export type StepOutcome = {
  text: string
  calls: RequestedCall[]
  reported: { inputTokens: number; outputTokens: number } | null
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
  const outcome: StepOutcome = { text: "", calls: [], reported: null, error: null }
  try {
    const result = streamText({
      model,
      instructions,
      messages,
      // Told even when closed: some providers refuse a talk with calls in it otherwise.
      ...(tools.list.length > 0
        ? { tools: toToolSet(tools.list), toolChoice: tools.areClosed ? "none" : "auto" }
        : {}),
      abortSignal: signal,
      maxOutputTokens,
      maxRetries,
      timeout: { firstChunkMs: firstTokenMs, totalMs: stepMs },
      onError: ({ error }) => {
        outcome.error = error
      },
    })
    for await (const part of result.stream) {
      if (part.type === "text-delta") {
        outcome.text += part.text
        yield part.text
      } else if (part.type === "tool-call") {
        outcome.calls.push({ name: part.toolName, input: part.input })
      } else if (part.type === "finish") {
        const { inputTokens, outputTokens } = part.totalUsage
        if (inputTokens !== undefined && outputTokens !== undefined)
          outcome.reported = { inputTokens, outputTokens }
      } else if (part.type === "error") outcome.error = part.error
      else if (part.type === "abort" && !signal.aborted)
        outcome.error = new Error("the model took too long")
    }
  } catch (cause) {
    outcome.error = cause
  }
  // A model that calls when it may only speak is not obeyed, and its words stand.
  if (ToolChoiceViolationError.isInstance(outcome.error)) outcome.error = null
  return outcome
}

function toToolSet(list: ModelTool[]): ToolSet {
  return Object.fromEntries(
    list.map(({ name, description, parameters }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters) }),
    ]),
  )
}
