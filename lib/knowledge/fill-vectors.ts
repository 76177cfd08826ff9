import { reserveMemberSpend } from "#lib/limits/spend.ts"
import { findEmbeddingModel, worstEmbeddingCost } from "#lib/models/embedding-model.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { scopeForJob, type TenantScope } from "#lib/tenancy/scope.ts"
import { embedAndBook, storeVectors } from "./vectors.ts"

// Guarantees: a source answers by its words from the moment it is ready, and vectors are added behind it, batch
// by batch. A worker that dies leaves what it stored and a hold that runs out.

const batchSize = 64
const batchMs = 30_000
/** A worker's hold on a source: as long as its batch may take, and some. */
const holdSeconds = 90
const patience = 3
/** Failures in a row, most of them an hour apart, after which the model is not asked for this text again. */
const mostAttempts = 24

const retryingSentence =
  "The embedding service does not answer. Until it does, this source is found by its words only; it is tried again."
const givenUpSentence =
  "The embedding service did not answer three times, so this source is found by its words only. It is tried again every hour."
const abandonedSentence =
  "The embedding service did not answer for a day, so this source is found by its words only. Replace it or add it again to try once more."
const capSentence =
  "The spending limit is reached, so this source is found by its words only. It is tried again every hour."

/** `off`: no model is set up. `abandoned`: the model failed too often. `taken`: nothing to do, or another worker is at it. */
export type FillOutcome = "done" | "later" | "capped" | "abandoned" | "taken" | "off"

/** Gives the chunks of a source vectors of the deployment's model, in batches that are kept one by one. */
export async function fillVectors(
  { sourceId, tenantId }: { sourceId: string; tenantId: string },
  signal?: AbortSignal,
): Promise<FillOutcome> {
  const setup = findEmbeddingModel()
  if (!setup) return "off"
  const scope = scopeForJob(tenantId, "embed")
  for (let isHeldHere = false; ; isHeldHere = true) {
    const batch = await takeBatch(scope, sourceId, { model: setup.name, isHeldHere })
    if (!batch) return "taken"
    if (batch.chunks.length === 0) {
      return (await finish(scope, batch, setup.name)) ? "done" : "taken"
    }
    const texts = batch.chunks.map(({ heading, text }) => (heading ? `${heading}\n${text}` : text))
    const worst = worstEmbeddingCost(setup, texts)
    const reservation = await reserveMemberSpend(scope, batch.botId, worst)
    if (!reservation) {
      await postpone(scope, sourceId, { sentence: capSentence, seconds: 3_600 })
      return "capped"
    }
    const call = { botId: batch.botId, texts, timeoutMs: batchMs, ...(signal ? { signal } : {}) }
    const { vectors } = await embedAndBook(scope, setup, reservation, call)
    if (!vectors) {
      const attempts = batch.attempts + 1
      if (attempts >= mostAttempts) {
        await finish(scope, batch, setup.name, abandonedSentence)
        return "abandoned"
      }
      const hasHope = attempts < patience
      await postpone(scope, sourceId, {
        sentence: hasHope ? retryingSentence : givenUpSentence,
        seconds: hasHope ? 30 * 4 ** (attempts - 1) : 3_600,
        attempts,
      })
      return "later"
    }
    await withTenant(scope, async (tx) => {
      await storeVectors(
        tx,
        { tenantId, botId: batch.botId },
        {
          model: setup.name,
          rows: batch.chunks.map(({ id }, i) => ({ chunkId: id, vector: vectors[i]! })),
        },
      )
      await tx.source.updateMany({ where: { id: sourceId }, data: { vectorAttempts: 0 } })
    })
  }
}

type Batch = {
  sourceId: string
  botId: string
  claim: number
  attempts: number
  chunks: { id: string; heading: string; text: string }[]
}

/** Holds the source for one batch and reads it; null when somebody else does, or there is nothing to do. */
async function takeBatch(
  scope: TenantScope,
  sourceId: string,
  { model, isHeldHere }: { model: string; isHeldHere: boolean },
): Promise<Batch | null> {
  return withTenant(scope, async (tx) => {
    await tx.$queryRaw`select 1 from sources where id = ${sourceId} for update`
    const source = await tx.source.findFirst({ where: { id: sourceId, status: "ready" } })
    if (!source || source.vectorModel === model) return null
    const isHeld = (source.vectorRetryAt?.getTime() ?? 0) > Date.now()
    if (isHeld && !isHeldHere) return null
    await tx.source.update({
      where: { id: sourceId },
      data: { vectorRetryAt: new Date(Date.now() + holdSeconds * 1_000) },
    })
    const chunks = await tx.$queryRaw<Batch["chunks"]>`
      select c.id, c.heading, c.text from chunks c
      where c.tenant_id = ${scope.tenantId} and c.source_id = ${sourceId}
        and not exists (select 1 from chunk_vectors v where v.tenant_id = c.tenant_id
          and v.chunk_id = c.id and v.model = ${model})
      order by c.ordinal limit ${batchSize}::int`
    const { botId, claim, vectorAttempts: attempts } = source
    return { sourceId, botId, claim, attempts, chunks }
  })
}

/** Done with this text and model, all of its vectors there or given up: another text or model begins anew. */
async function finish(
  scope: TenantScope,
  batch: Batch,
  model: string,
  notice: string | null = null,
): Promise<boolean> {
  const { count } = await withTenant(scope, (tx) =>
    tx.source.updateMany({
      // A newer reading has other chunks.
      where: { id: batch.sourceId, claim: batch.claim, status: "ready" },
      data: { vectorModel: model, vectorAttempts: 0, vectorRetryAt: null, vectorNotice: notice },
    }),
  )
  return count > 0
}

async function postpone(
  scope: TenantScope,
  sourceId: string,
  { sentence, seconds, attempts }: { sentence: string; seconds: number; attempts?: number },
) {
  await withTenant(scope, (tx) =>
    tx.source.updateMany({
      where: { id: sourceId },
      data: {
        ...(attempts === undefined ? {} : { vectorAttempts: attempts }),
        vectorRetryAt: new Date(Date.now() + seconds * 1_000),
        vectorNotice: sentence,
      },
    }),
  )
}
