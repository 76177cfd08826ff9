import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { type LanguageModel, type ModelMessage, streamText } from "ai"
import type { Usage } from "#lib/billing/commands.ts"
import { env } from "#lib/env.ts"
import { log } from "#lib/log.ts"

const firstTokenMs = 20_000
const totalMs = 90_000
const maxOutputTokens = 1_000

export type ChatModel = { model: LanguageModel; name: string }

/** The deployment's chat model, or null: the product then answers by quoting. */
export function findChatModel(): ChatModel | null {
  const { MODEL_PROVIDER, MODEL_BASE_URL, MODEL_API_KEY, MODEL_NAME } = env
  if (!MODEL_PROVIDER || !MODEL_NAME) return null
  const account = {
    ...(MODEL_BASE_URL ? { baseURL: MODEL_BASE_URL } : {}),
    ...(MODEL_API_KEY ? { apiKey: MODEL_API_KEY } : {}),
  }
  switch (MODEL_PROVIDER) {
    case "openai":
      return { model: createOpenAI(account)(MODEL_NAME), name: MODEL_NAME }
    case "anthropic":
      return { model: createAnthropic(account)(MODEL_NAME), name: MODEL_NAME }
    case "openai-compatible": {
      if (!MODEL_BASE_URL) return null
      // Without includeUsage such servers report no token counts while streaming.
      const provider = createOpenAICompatible({
        name: "deployment",
        includeUsage: true,
        baseURL: MODEL_BASE_URL,
        ...(MODEL_API_KEY ? { apiKey: MODEL_API_KEY } : {}),
      })
      return { model: provider(MODEL_NAME), name: MODEL_NAME }
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
  { model, name }: ChatModel,
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
      maxRetries: 1,
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
  yield {
    type: "end",
    isAborted: signal.aborted,
    error: signal.aborted ? null : error,
    usage: {
      model: name,
      inputTokens: reported?.inputTokens ?? estimateTokens(promptText(prompt)),
      outputTokens: reported?.outputTokens ?? estimateTokens(text),
      isEstimated: !isReported,
    },
  }
}

function promptText({ instructions, messages }: ModelPrompt): string {
  return instructions + messages.map((message) => String(message.content)).join("\n")
}

/** About four characters a token for Latin text, fewer for others: rounded up, never zero for some text. */
export function estimateTokens(text: string): number {
  const wide = text.match(/[\u0250-\uffff]/g)?.length ?? 0
  return Math.ceil((text.length - wide) / 4 + wide)
}
