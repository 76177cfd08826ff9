import { PgBoss } from "pg-boss"
import { env } from "#lib/env.ts"
import { ingestSource } from "#lib/knowledge/ingest.ts"
import { log } from "#lib/log.ts"
import { findSourceTenant, listUnfinishedSources } from "#lib/tenancy/directory.ts"

// Guarantees: a committed source is read, whatever dies in between. Its row is the job's origin and is
// swept for; pg-boss adds concurrency, heartbeats and retries. Payloads and outcomes are ids and codes,
// never content.

const queue = "ingest"
const schema = "pgboss"
const sweepMs = 1_000
/** How long a source that was handed to the queue is left alone before it is handed over again. */
const resendMs = 30_000
const workers = 2

type IngestJob = { sourceId: string }

export type IngestQueue = {
  /** Lets running jobs finish for `graceMs`, then gives them up; they are retried elsewhere. */
  stop(graceMs: number): Promise<void>
}

/** Starts reading queued sources. The queue's tables and the queue itself are the migrator's. */
export async function startIngestQueue(): Promise<IngestQueue> {
  const boss = new PgBoss({
    connectionString: env.DATABASE_URL ?? "",
    application_name: "coatcheck-worker",
    schema,
    max: 4,
    migrate: false,
    createSchema: false,
    schedule: false,
    useListenNotify: true,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  })
  boss.on("error", (error) => log.warn({ reason: error.message }, "queue trouble"))
  await boss.start()
  const stopping = new AbortController()
  const sent = new Map<string, number>()
  await boss.work<IngestJob, string>(
    queue,
    {
      includeMetadata: true,
      batchSize: 1,
      localConcurrency: workers,
      // One tenant's hundred files leave a worker free for everybody else's.
      localGroupConcurrency: Math.max(1, workers - 1),
      pollingIntervalSeconds: 1,
      notifyPollingIntervalSeconds: 5,
    },
    async ([job]) => {
      if (!job) return "gone"
      return runJob(job.data.sourceId, {
        // pg-boss runs a job again only when the worker that had it failed or fell silent.
        isTakeover: job.retryCount > 0,
        signal: AbortSignal.any([job.signal, stopping.signal]),
        onSettled: () => sent.delete(job.data.sourceId),
      })
    },
  )
  const sweeping = sweep(boss, sent, stopping.signal)
  return {
    async stop(graceMs) {
      const timer = setTimeout(() => stopping.abort(), Math.max(0, graceMs - 1_000))
      await boss.stop({ graceful: true, timeout: graceMs, close: true })
      clearTimeout(timer)
      stopping.abort()
      await sweeping
    },
  }
}

type RunOptions = { isTakeover: boolean; signal: AbortSignal; onSettled: () => void }

async function runJob(sourceId: string, options: RunOptions): Promise<string> {
  const startedAt = performance.now()
  try {
    const outcome = await ingestSource(sourceId, options)
    const durationMs = Math.round(performance.now() - startedAt)
    log.info({ sourceId, outcome, durationMs }, "source read")
    // Another worker has it: the sweep must not offer it again every second meanwhile.
    if (outcome !== "taken") options.onSettled()
    return outcome
  } catch (error) {
    log.warn({ sourceId, reason: error instanceof Error ? error.message : "unknown" }, "retrying")
    // What pg-boss stores of an error must not carry a line of the document.
    throw new Error("ingest_interrupted")
  }
}

/** Hands every unfinished source to the queue, until told to stop. */
async function sweep(boss: PgBoss, sent: Map<string, number>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const sourceId of await listUnfinishedSources(0)) {
        if (Date.now() - (sent.get(sourceId) ?? 0) < resendMs) continue
        const tenantId = await findSourceTenant(sourceId)
        if (!tenantId) continue
        sent.set(sourceId, Date.now())
        await boss.send(queue, { sourceId }, { group: { id: tenantId } })
      }
      for (const [id, at] of sent) if (Date.now() - at > resendMs * 2) sent.delete(id)
    } catch (error) {
      log.warn({ reason: error instanceof Error ? error.message : "unknown" }, "sweep failed")
    }
    await pause(sweepMs, signal)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener("abort", done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener("abort", done, { once: true })
  })
}
