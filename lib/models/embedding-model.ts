import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { APICallError, type EmbeddingModel, embedMany } from "ai"
import { costOf, isTokenCount, parseTokenPrice, type TokenPrice } from "#lib/billing/prices.ts"
import { env } from "#lib/env.ts"
import { log } from "#lib/log.ts"
import { isProviderAway } from "./breaker.ts"

export type EmbeddingSetup = { model: EmbeddingModel; name: string; price: TokenPrice }

let hasReported = false

/**
 * The deployment's embedding model, or null: search then ranks by words alone. A model without a price is not
 * used, because no cap could hold it.
 */
export function findEmbeddingModel(): EmbeddingSetup | null {
  const { EMBEDDING_MODEL: name } = env
  if (!name) return null
  const price = parseTokenPrice(env.EMBEDDING_PRICE)
  const account = findAccount()
  if (price && account) {
    const provider = createOpenAICompatible({ name: "embeddings", ...account })
    return { model: provider.embeddingModel(name), name, price }
  }
  if (!hasReported) {
    hasReported = true
    const missing = price ? "EMBEDDING_BASE_URL" : "EMBEDDING_PRICE"
    log.error({ code: "embedding_unusable", missing }, `set ${missing}: embeddings are not used`)
  }
  return null
}

/** An address and its key are one record: the chat model's key is never sent to another address. */
function findAccount(): { baseURL: string; apiKey?: string } | null {
  const own = env.EMBEDDING_BASE_URL
  const baseURL = own ?? env.MODEL_BASE_URL ?? openAIAddress()
  const apiKey = own ? env.EMBEDDING_API_KEY : env.MODEL_API_KEY
  return baseURL ? { baseURL, ...(apiKey ? { apiKey } : {}) } : null
}

function openAIAddress(): string | undefined {
  return env.MODEL_PROVIDER === "openai" ? "https://api.openai.com/v1" : undefined
}

/** The most that embedding these texts can cost: no tokenizer makes more tokens than there are bytes. */
export function worstEmbeddingCost({ price }: EmbeddingSetup, texts: string[]): bigint {
  return costOf(price, { input: countBytes(texts), output: 0 })
}

const overheadBytes = 16

/** The most tokens that these texts can be. */
export function countBytes(texts: string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text, "utf8") + overheadBytes, 0)
}

export type Embedded = {
  /** One a text, of length one. */
  vectors: Float32Array[]
  tokens: number
  isEstimated: boolean
}

/**
 * Embeds texts in one call that is never repeated. Throws when the provider fails, takes longer than
 * `timeoutMs`, or answers with something else than one vector of the same size for each text.
 */
export async function embedTexts(
  { model }: EmbeddingSetup,
  texts: string[],
  { signal, timeoutMs }: { signal?: AbortSignal; timeoutMs: number },
): Promise<Embedded> {
  const clock = AbortSignal.timeout(timeoutMs)
  const { embeddings, usage } = await embedMany({
    model,
    values: texts,
    maxRetries: 0,
    abortSignal: signal ? AbortSignal.any([signal, clock]) : clock,
  })
  const size = embeddings[0]?.length ?? 0
  if (embeddings.length !== texts.length || size === 0 || size > mostDimensions)
    throw new Error("the embedding model answered with something else")
  const vectors = embeddings.map((numbers) => {
    if (numbers.length !== size) throw new Error("the embedding model mixes sizes")
    return normalize(numbers)
  })
  const isEstimated = !isTokenCount(usage.tokens) || usage.tokens === 0
  return { vectors, tokens: isEstimated ? countBytes(texts) : usage.tokens, isEstimated }
}

/** A clear no, which no provider bills: a time-out or a broken line is none. */
export function isEmbeddingRefused(error: unknown): boolean {
  return APICallError.isInstance(error) && (error.statusCode ?? 0) >= 400
}

/** No connection, no answer in time, or a no to everybody: what one text brought about is nobody else's. */
export function isEmbeddingAway(error: unknown): boolean {
  const isCall = APICallError.isInstance(error) || error instanceof DOMException
  return isCall && isProviderAway(error)
}

const mostDimensions = 8_192

function normalize(numbers: number[]): Float32Array {
  const length = Math.hypot(...numbers)
  if (!Number.isFinite(length) || length === 0) throw new Error("an embedding has no direction")
  return Float32Array.from(numbers, (value) => value / length)
}
