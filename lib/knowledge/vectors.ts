import { recordUsage } from "#lib/billing/commands.ts"
import { costOf } from "#lib/billing/prices.ts"
import { type Reservation, reserveMemberSpend, settleSpend } from "#lib/limits/spend.ts"
import { log } from "#lib/log.ts"
import {
  countBytes,
  type Embedded,
  type EmbeddingSetup,
  embedTexts,
  findEmbeddingModel,
  isEmbeddingAway,
  isEmbeddingRefused,
  worstEmbeddingCost,
} from "#lib/models/embedding-model.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { cutBytes } from "#lib/text.ts"
import type { Place } from "./vocabulary.ts"

// Guarantees: a vector belongs to a chunk and goes with it. Every call is set aside for and settled, whether it
// succeeded or not, and no transaction is open while it runs. A call without a clear answer counts as made: the
// provider may bill it.

const questionMs = 3_000
/** Less than any model takes: no question fails by its length. */
const questionBytes = 2_000
/** While a provider is away questions go by words for so long: no visitor waits for it. */
const pauseMs = 10_000

type Call = { botId: string; texts: string[]; timeoutMs: number; signal?: AbortSignal }

/** The texts as vectors, paid for, or the provider's error; the reservation is settled either way. */
export async function embedAndBook(
  scope: TenantScope,
  setup: EmbeddingSetup,
  reservation: Reservation,
  { botId, texts, ...options }: Call,
): Promise<{ vectors: Float32Array[] } | { vectors: null; error: unknown }> {
  let embedded: Embedded | null = null
  let failure: unknown = null
  try {
    embedded = await embedTexts(setup, texts, options)
  } catch (error) {
    failure = error
    const reason = String(error).slice(0, 300)
    log.warn({ code: "embedding_failed", model: setup.name, reason }, "embedding failed")
  }
  const used =
    embedded ??
    (isEmbeddingRefused(failure) ? null : { tokens: countBytes(texts), isEstimated: true })
  const cost = used ? costOf(setup.price, { input: used.tokens, output: 0 }) : 0n
  await withTenant(scope, async (tx) => {
    const costNanos = await settleSpend(tx, scope, reservation, cost)
    if (!used) return
    await recordUsage(tx, scope, {
      kind: "embedding",
      model: setup.name,
      inputTokens: used.tokens,
      outputTokens: 0,
      isEstimated: used.isEstimated,
      costNanos,
      messageId: null,
      botId,
    })
  })
  return embedded ? { vectors: embedded.vectors } : { vectors: null, error: failure }
}

/** Stores vectors of chunks that are still there, in the caller's transaction. */
export async function storeVectors(
  tx: Tx,
  { tenantId, botId }: Place,
  { model, rows }: { model: string; rows: { chunkId: string; vector: Float32Array }[] },
): Promise<void> {
  const written = rows.map(({ chunkId, vector }) => ({
    id: chunkId,
    signs: writeSigns(vector),
    vector: Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64"),
  }))
  await tx.$executeRaw`
    insert into chunk_vectors (tenant_id, bot_id, chunk_id, model, signs, vector)
    select ${tenantId}, ${botId}, c.id, ${model}, r.signs::varbit, decode(r.vector, 'base64')
    from jsonb_to_recordset(${JSON.stringify(written)}::jsonb) as r (id text, signs text, vector text)
    join (select id from chunks where tenant_id = ${tenantId} and bot_id = ${botId}
          and id = any (${rows.map(({ chunkId }) => chunkId)}::text[]) for key share) c on c.id = r.id
    on conflict (tenant_id, chunk_id)
    do update set model = excluded.model, signs = excluded.signs, vector = excluded.vector`
}

function writeSigns(vector: Float32Array): string {
  return Array.from(vector, (value) => (value < 0 ? "1" : "0")).join("")
}

let pausedUntil = 0

/** Forgets that the provider was away; for tests. */
export function endEmbeddingPause(): void {
  pausedUntil = 0
}

export type QuestionVector = { model: string; vector: Float32Array }

/** Sets money aside for a call of so many nanos; null at a cap. */
export type Reserve = (nanos: bigint) => Promise<Reservation | null>

/**
 * The question as a vector, or null: embeddings are off, the bot has none, a cap is reached, or the provider
 * failed. Search then goes by words alone. A visitor's question is paid for by `reserve`; without it only a
 * member's is embedded.
 */
export async function embedQuestion(
  scope: TenantScope,
  botId: string,
  query: string,
  reserve: Reserve | undefined,
): Promise<QuestionVector | null> {
  const setup = findEmbeddingModel()
  if (!setup || (scope.visitor && !reserve) || Date.now() < pausedUntil) return null
  if (!(await withTenant(scope, (tx) => hasVectors(tx, scope, botId, setup.name)))) return null
  const text = cutBytes(query, questionBytes)
  const worst = worstEmbeddingCost(setup, [text])
  const reservation = await (reserve ?? ((nanos) => reserveMemberSpend(scope, botId, nanos)))(worst)
  if (!reservation) return null
  const call = { botId, texts: [text], timeoutMs: questionMs }
  const embedded = await embedAndBook(scope, setup, reservation, call)
  if (embedded.vectors) {
    pausedUntil = 0
    return { model: setup.name, vector: embedded.vectors[0]! }
  }
  if (isEmbeddingAway(embedded.error)) pausedUntil = Date.now() + pauseMs
  return null
}

async function hasVectors(tx: Tx, { tenantId }: TenantScope, botId: string, model: string) {
  const rows = await tx.$queryRaw<object[]>`
    select 1 from chunk_vectors
    where tenant_id = ${tenantId} and bot_id = ${botId} and model = ${model} limit 1`
  return rows.length > 0
}

/** How many the signs pass on to the exact comparison: recall@10 was 0.96 and more with 200. */
const signedCount = 200

export type Near = { id: string; similarity: number }

/** The bot's chunks by how near they are in meaning, nearest first. Exact among those the signs pass on. */
export async function findNear(
  tx: Tx,
  { tenantId, botId }: Place,
  { model, vector }: QuestionVector,
): Promise<Near[]> {
  const rows = await tx.$queryRaw<{ id: string; vector: Uint8Array }[]>`
    select v.chunk_id as id, v.vector from chunk_vectors v
    where v.tenant_id = ${tenantId} and v.bot_id = ${botId} and v.model = ${model}
      and length(v.signs) = ${vector.length}::int
    order by bit_count(v.signs # ${writeSigns(vector)}::varbit), v.chunk_id
    limit ${signedCount}::int`
  return rows
    .map((row) => ({ id: row.id, similarity: compare(vector, row.vector) }))
    .sort((x, y) => y.similarity - x.similarity || (x.id < y.id ? -1 : 1))
}

function compare(vector: Float32Array, stored: Uint8Array): number {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength)
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * view.getFloat32(i * 4, true)
  return sum
}

/**
 * From this cosine on, and so far above what the bot's other chunks have, a passage may answer a question that
 * shares no word with it. The usual range of text-embedding models; set with care, not measured on one.
 */
const leastSimilarity = 0.45
const leastLead = 0.1

/** Whether the nearest chunk is near enough to count as an answer by its meaning alone. */
export function isNear(near: Near[]): boolean {
  const best = near[0]
  if (!best || best.similarity < leastSimilarity) return false
  const rest = near.slice(Math.min(5, Math.ceil(near.length / 2)))
  const usual = rest.reduce((sum, { similarity }) => sum + similarity, 0) / (rest.length || 1)
  return rest.length === 0 || best.similarity - usual >= leastLead
}

const rankOffset = 60

/** Reciprocal rank fusion: one order from two, whose scores can't be compared. */
export function fuseRanks(byWords: string[], byMeaning: string[]): { id: string; score: number }[] {
  const scores = new Map<string, number>()
  for (const list of [byWords, byMeaning]) {
    for (const [i, id] of list.entries()) {
      scores.set(id, (scores.get(id) ?? 0) + 1 / (rankOffset + i + 1))
    }
  }
  return [...scores]
    .map(([id, score]) => ({ id, score }))
    .sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1))
}
