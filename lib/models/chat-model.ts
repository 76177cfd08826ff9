import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import type { LanguageModel, ModelMessage } from "ai"
import type { Usage } from "#lib/billing/commands.ts"
import {
  costOf,
  dearestInput,
  deploymentPrice,
  isTokenCount,
  type TokenPrice,
} from "#lib/billing/prices.ts"
import { env } from "#lib/env.ts"
import { log } from "#lib/log.ts"
import { cutBytes } from "#lib/text.ts"
import { noteModelCall } from "./breaker.ts"
import type { ModelProvider } from "./schema.ts"
import {
  maxOutputTokens,
  maxRetries,
  type RequestedCall,
  type StepOutcome,
  streamStep,
} from "./step.ts"

/** A whole answer, and one with rounds of tools. */
const totalMs = 90_000
const turnMs = 150_000

/** Calls of the model in one turn; the last one may only speak. */
const maxSteps = 4
/** What one turn may do with tools, however often the model asks. */
export const maxToolCalls = 5
/** Of all calls of a turn, arguments and answers together, in the prompts of its later steps. */
const maxToolBytes = 20_000

export type ChatModel = {
  model: LanguageModel
  name: string
  price: TokenPrice
  /** The tenant whose own it is: the deployment's money and its breaker are not touched. */
  ownerId?: string
}

let hasReportedNoPrice = false

/**
 * The deployment's chat model, or null: the product then answers by quoting. A model without a price is
 * refused, because no cap could hold it.
 */
export function findChatModel(): ChatModel | null {
  const { MODEL_PROVIDER, MODEL_NAME } = env
  if (!MODEL_PROVIDER || !MODEL_NAME) return null
  const price = deploymentPrice()
  if (!price && !hasReportedNoPrice) {
    hasReportedNoPrice = true
    log.error(
      { code: "model_unpriced", model: MODEL_NAME },
      "set MODEL_PRICE: an unpriced model is not used",
    )
  }
  const { MODEL_BASE_URL, MODEL_API_KEY } = env
  const model =
    price &&
    createModel({
      provider: MODEL_PROVIDER,
      name: MODEL_NAME,
      ...(MODEL_BASE_URL ? { baseURL: MODEL_BASE_URL } : {}),
      ...(MODEL_API_KEY ? { apiKey: MODEL_API_KEY } : {}),
    })
  return price && model ? { model, name: MODEL_NAME, price } : null
}

/** A provider's model; null for a compatible one without an address. */
export function createModel({
  provider,
  name,
  baseURL,
  ...account
}: {
  provider: ModelProvider
  name: string
  baseURL?: string
  apiKey?: string
  fetch?: typeof fetch
}): LanguageModel | null {
  const known = { ...account, ...(baseURL ? { baseURL } : {}) }
  switch (provider) {
    case "openai":
      return createOpenAI(known)(name)
    case "anthropic":
      return createAnthropic(known)(name)
    case "openai-compatible":
      // Without includeUsage such servers report no token counts while streaming.
      return baseURL
        ? createOpenAICompatible({ ...account, name: "compatible", includeUsage: true, baseURL })(
            name,
          )
        : null
  }
}

export type ModelPrompt = { instructions: string; messages: ModelMessage[] }

/** What a model is told of a tool; `parameters` is a JSON Schema. */
export type ModelTool = { name: string; description: string; parameters: object }

/** What becomes of one call: words for the model, or the end of the turn. */
export type ModelToolAnswer = { text: string } | { endsTurn: true }

export type ModelToolbox = {
  tools: ModelTool[]
  /** Asked for one call at a time, in their order; throws only when `signal` aborted. */
  call: (call: RequestedCall, signal: AbortSignal) => Promise<ModelToolAnswer>
}

export type ModelEvent =
  | { type: "text"; text: string }
  /** The last event, always. `error` is set when the provider failed. */
  | { type: "end"; usage: Usage; isAborted: boolean; error: unknown }

/**
 * Streams one answer, with a few rounds of tools where there is a toolbox. Never throws: a provider's failure,
 * a time-out and an abort arrive as the `end` event, with usage as reported, or estimated when a call was cut.
 */
export async function* streamModel(
  { model, name, price, ownerId }: ChatModel,
  prompt: ModelPrompt,
  outerSignal: AbortSignal,
  toolbox: ModelToolbox | null = null,
): AsyncGenerator<ModelEvent> {
  const clock = AbortSignal.timeout(toolbox ? turnMs : totalMs)
  const signal = AbortSignal.any([outerSignal, clock])
  const list = toolbox?.tools ?? []
  const messages = [...prompt.messages]
  const usage = { input: 0, cached: 0, output: 0, isEstimated: false }
  const room = { bytes: maxToolBytes }
  let callsLeft = maxToolCalls
  let error: unknown = null
  let hasAnswered = false
  for (let step = 1; ; step += 1) {
    const areClosed = step === maxSteps || callsLeft === 0
    const request = { ...prompt, messages }
    const stream = streamStep(model, request, { list, areClosed }, signal)
    let next = await stream.next()
    for (; !next.done; next = await stream.next()) yield { type: "text", text: next.value }
    addUsage(usage, next.value, promptText(request) + toolText(list))
    hasAnswered ||= next.value.text !== "" || next.value.calls.length > 0
    error = next.value.error ?? (clock.aborted ? new Error("the model took too long") : null)
    if (!toolbox || areClosed || error || signal.aborted || next.value.calls.length === 0) break
    // What is past the limit is not even answered: a hundred calls cost no more than five.
    const calls = next.value.calls.slice(0, callsLeft)
    callsLeft -= calls.length
    const answered = await answerCalls(toolbox, calls, signal)
    if (!answered) break
    messages.push(...toMessages(next.value.text, answered, step, room))
  }
  // A visitor who left before the first word says nothing about the provider.
  if (hasAnswered || !outerSignal.aborted)
    noteModelCall(hasAnswered ? null : error, Date.now(), ownerId)
  if (error && !outerSignal.aborted) {
    const {
      name: kind,
      message = error,
      statusCode = "",
    } = error as Error & { statusCode?: number }
    // A tenant's provider may answer with anything, the tenant's key included: its words stay out of our logs.
    const reason = ownerId ? `${kind} ${statusCode}`.trim() : String(message).slice(0, 300)
    log.warn({ code: "model_failed", model: name, reason }, "model call failed")
  }
  yield {
    type: "end",
    isAborted: outerSignal.aborted,
    error: outerSignal.aborted ? null : error,
    usage: {
      model: name,
      inputTokens: usage.input,
      outputTokens: usage.output,
      isEstimated: usage.isEstimated,
      costNanos: costOf(price, usage),
    },
  }
}

type AnsweredCall = RequestedCall & { text: string }

/** Null when the turn is over: a call waits for the visitor, or the visitor is gone. */
async function answerCalls(
  toolbox: ModelToolbox,
  calls: RequestedCall[],
  signal: AbortSignal,
): Promise<AnsweredCall[] | null> {
  const answered: AnsweredCall[] = []
  for (const call of calls) {
    const answer = await toolbox.call(call, signal).catch(() => null)
    if (!answer || "endsTurn" in answer || signal.aborted) return null
    answered.push({ ...call, text: answer.text })
  }
  return answered
}

/** A step as the next one reads it, in names and sizes of our own: the model's may be anything. */
function toMessages(
  text: string,
  calls: AnsweredCall[],
  step: number,
  room: { bytes: number },
): ModelMessage[] {
  const own = calls.map((call, i) => {
    const args = JSON.stringify(call.input) ?? "{}"
    const isPlain = typeof call.input === "object" && call.input !== null
    const fits = isPlain && Buffer.byteLength(args) <= room.bytes
    if (fits) room.bytes -= Buffer.byteLength(args)
    const value = cutBytes(call.text, room.bytes)
    room.bytes -= Buffer.byteLength(value)
    return {
      toolCallId: `call_${step}_${i}`,
      toolName: call.name.replace(/[^\w-]/g, "_").slice(0, 40) || "unknown",
      input: fits ? call.input : {},
      output: { type: "text" as const, value },
    }
  })
  return [
    {
      role: "assistant",
      content: [
        ...(text ? [{ type: "text" as const, text }] : []),
        ...own.map(({ output: _, ...call }) => ({ type: "tool-call" as const, ...call })),
      ],
    },
    {
      role: "tool",
      content: own.map(({ input: _, ...call }) => ({ type: "tool-result" as const, ...call })),
    },
  ]
}

function addUsage(
  usage: { input: number; cached: number; output: number; isEstimated: boolean },
  { text, calls, reported }: StepOutcome,
  asked: string,
): void {
  const seen = estimateTokens(text + calls.map((call) => JSON.stringify(call)).join(""))
  const told = reported && Object.values(reported).every(isTokenCount) ? reported : null
  usage.isEstimated ||= told === null
  usage.input += told?.inputTokens ?? estimateTokens(asked)
  usage.cached += Math.min(told?.cachedTokens ?? 0, told?.inputTokens ?? 0)
  // A provider that reports too little must not make the words we saw free.
  usage.output += Math.max(told?.outputTokens ?? seen, Math.floor(seen / 2))
}

/**
 * The most this turn can cost, every step and its retry included: no tokenizer makes more tokens than there
 * are bytes, and no provider writes more than it was asked for.
 */
export function worstCaseCost(
  { price }: ChatModel,
  prompt: ModelPrompt,
  tools: ModelTool[] = [],
): bigint {
  const first = Buffer.byteLength(promptText(prompt) + toolText(tools), "utf8") + overheadTokens
  const steps = tools.length > 0 ? maxSteps : 1
  let input = 0
  for (let step = 0; step < steps; step += 1) {
    // What steps before this one added: their words, and every call with its answer.
    const calls = step === 0 ? 0 : maxToolBytes + maxToolCalls * overheadTokens
    input += first + step * (maxOutputTokens + overheadTokens) + calls
  }
  return costOf(
    { ...price, input: dearestInput(price) },
    {
      input: input * (1 + maxRetries),
      output: steps * maxOutputTokens * (1 + maxRetries),
    },
  )
}

/** What providers add around messages, calls and tools: roles, names, separators. */
const overheadTokens = 200

function promptText({ instructions, messages }: ModelPrompt): string {
  const texts = messages.map(({ content }) =>
    typeof content === "string" ? content : JSON.stringify(content),
  )
  return instructions + texts.join("\n")
}

/** Tools in a prompt, with room for how a provider words them. */
function toolText(tools: ModelTool[]): string {
  return tools.map((tool) => JSON.stringify(tool).padEnd(overheadTokens)).join("\n")
}

/** About four characters a token for Latin text, fewer for others: rounded up, never zero for some text. */
export function estimateTokens(text: string): number {
  const wide = text.match(/[\u0250-\uffff]/g)?.length ?? 0
  return Math.ceil((text.length - wide) / 4 + wide)
}
