import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { type LanguageModel, type ModelMessage, streamText } from "ai"
import type { Usage } from "#lib/billing/commands.ts"
import { costOf, deploymentPrice, type TokenPrice } from "#lib/billing/prices.ts"
import { env } from "#lib/env.ts"
import { log } from "#lib/log.ts"

const firstTokenMs = 20_000
const totalMs = 90_000
const maxOutputTokens = 1_000

/** One retry, and only of a call that failed before it answered. */
const maxRetries = 1

export type ChatModel = { model: LanguageModel; name: string; price: TokenPrice }

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
  const model = price && createModel(MODEL_PROVIDER, MODEL_NAME)
  return price && model ? { model, name: MODEL_NAME, price } : null
}

function createModel(
  provider: NonNullable<typeof env.MODEL_PROVIDER>,
  name: string,
): LanguageModel | null {
  const { MODEL_BASE_URL, MODEL_API_KEY } = env
  const account = {
    ...(MODEL_BASE_URL ? { baseURL: MODEL_BASE_URL } : {}),
    ...(MODEL_API_KEY ? { apiKey: MODEL_API_KEY } : {}),
  }
  switch (provider) {
    case "openai":
      return createOpenAI(account)(name)
    case "anthropic":
      return createAnthropic(account)(name)
    case "openai-compatible": {
      if (!MODEL_BASE_URL) return null
      // Without includeUsage such servers report no token counts while streaming.
      const compatible = createOpenAICompatible({
        name: "deployment",
        includeUsage: true,
        baseURL: MODEL_BASE_URL,
        ...(MODEL_API_KEY ? { apiKey: MODEL_API_KEY } : {}),
      })
      return compatible(name)
    }
  }
}

export type ModelPrompt = { instructions: string; messages: ModelMessage[] }

export type ModelEvent =
  | { type: "text"; text: string }
  /** The last event, always. `error` is set when the provider failed. */
  | { type: "end"; usage: Usage; isAborted: boolean; error: unknown }

/**
 * Streams one answer. Never throws: a provider's failure, a time-out and an abort arrive as the `end` event,
 * with usage as reported, or estimated when the call was cut.
 */
export async function* streamModel(
  { model, name, price }: ChatModel,
  prompt: ModelPrompt,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  let error: unknown = null
  let text = ""
  let reported: { inputTokens?: number | undefined; outputTokens?: number | undefined } | null =
    null
  try {
    const result = streamText({
      model,
      instructions: prompt.instructions,
      messages: prompt.messages,
      abortSignal: signal,
      maxOutputTokens,
      maxRetries,
      timeout: { firstChunkMs: firstTokenMs, totalMs },
      onError: ({ error: cause }) => {
        error = cause
      },
    })
    for await (const part of result.stream) {
      if (part.type === "text-delta") {
        text += part.text
        yield { type: "text", text: part.text }
      } else if (part.type === "finish") reported = part.totalUsage
      else if (part.type === "error") error = part.error
      else if (part.type === "abort" && !signal.aborted)
        error = new Error("the model took too long")
    }
  } catch (cause) {
    error = cause
  }
  if (error && !signal.aborted) {
    log.warn(
      {
        code: "model_failed",
        model: name,
        reason: String((error as Error).message ?? error).slice(0, 300),
      },
      "model call failed",
    )
  }
  const isReported = reported?.inputTokens !== undefined && reported.outputTokens !== undefined
  const inputTokens = reported?.inputTokens ?? estimateTokens(promptText(prompt))
  const outputTokens = reported?.outputTokens ?? estimateTokens(text)
  // A provider that reports too little must not make the words we saw free.
  const counted = {
    input: inputTokens,
    output: Math.max(outputTokens, Math.floor(estimateTokens(text) / 2)),
  }
  yield {
    type: "end",
    isAborted: signal.aborted,
    error: signal.aborted ? null : error,
    usage: {
      model: name,
      inputTokens,
      outputTokens,
      isEstimated: !isReported,
      costNanos: costOf(price, counted),
    },
  }
}

/**
 * The most this call can cost, retries included: no tokenizer makes more tokens than there are bytes, and no
 * provider writes more than it was asked for.
 */
export function worstCaseCost({ price }: ChatModel, prompt: ModelPrompt): bigint {
  const input = Buffer.byteLength(promptText(prompt), "utf8") + messageOverheadTokens
  return costOf(price, {
    input: input * (1 + maxRetries),
    output: maxOutputTokens * (1 + maxRetries),
  })
}

/** What providers add around messages: roles, separators. */
const messageOverheadTokens = 200

function promptText({ instructions, messages }: ModelPrompt): string {
  return instructions + messages.map((message) => String(message.content)).join("\n")
}

/** About four characters a token for Latin text, fewer for others: rounded up, never zero for some text. */
export function estimateTokens(text: string): number {
  const wide = text.match(/[\u0250-\uffff]/g)?.length ?? 0
  return Math.ceil((text.length - wide) / 4 + wide)
}
