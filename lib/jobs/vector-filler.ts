import { fillVectors } from "#lib/knowledge/fill-vectors.ts"
import { log } from "#lib/log.ts"
import { findEmbeddingModel } from "#lib/models/embedding-model.ts"
import { listSourcesToEmbed } from "#lib/tenancy/directory.ts"

// Gives sources vectors behind the reading: those just read, and all others when an embedding model is set up
// later or changed. Without a model it does nothing.

const pollMs = 2_000
const atOnce = 2

export type VectorFiller = { stop(): Promise<void> }

/** Starts looking for sources without vectors, until told to stop. */
export function startVectorFiller(): VectorFiller {
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()

  const fill = async (place: { sourceId: string; tenantId: string }) => {
    try {
      const outcome = await fillVectors(place, stopping.signal)
      if (outcome !== "taken") log.info({ sourceId: place.sourceId, outcome }, "vectors")
    } catch (error) {
      if (stopping.signal.aborted) return
      const reason = error instanceof Error ? error.message : "unknown"
      log.warn({ sourceId: place.sourceId, reason }, "vectors")
    }
  }

  const turn = async () => {
    const setup = findEmbeddingModel()
    if (!setup) return
    for (const place of await listSourcesToEmbed(setup.name)) {
      if (stopping.signal.aborted || running.size >= atOnce) return
      if (running.has(place.sourceId)) continue
      const work = fill(place).finally(() => {
        running.delete(place.sourceId)
        // A website of hundreds of pages does not wait two seconds for each.
        takeTurn()
      })
      running.set(place.sourceId, work)
    }
  }

  const takeTurn = () => {
    if (stopping.signal.aborted) return
    turn().catch((error: Error) => log.warn({ reason: error.message }, "vectors"))
  }
  const timer = setInterval(takeTurn, pollMs)
  return {
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await Promise.allSettled(running.values())
    },
  }
}
