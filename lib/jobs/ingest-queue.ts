import { type JobWithMetadata, PgBoss } from "pg-boss"
import { env } from "#lib/env.ts"
import { ingestSource } from "#lib/knowledge/ingest.ts"
import { quotas } from "#lib/knowledge/quotas.ts"
import type { Fetch } from "#lib/knowledge/robots.ts"
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
/** One more than a tenant may keep busy: somebody else's first page never waits for all of another's. */
const workers = quotas.runningSources + 1

type IngestJob = { sourceId: string }

/** `fetch`: the way out to web pages, which production leaves to lib/outbound. */
export type ReadingOptions = { fetch?: Fetch }

export type IngestQueue = {
  /** Lets running jobs finish for `graceMs`, then gives them up; they are retried elsewhere. */
  stop(graceMs: number): Promise<void>
}

/** Starts reading queued sources. The queue's tables and the queue itself are the migrator's. */
export async function startIngestQueue(options: ReadingOptions = {}): Promise<IngestQueue> {
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
  const sent: Sent = new Map()
  const news = new News(stopping.signal)
  const around = { ...options, sent, news, signal: stopping.signal }
  for (let i = 0; i < workers; i++) await addWorker(boss, around)
  const sweeping = sweep(boss, sent, news)
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

type Surroundings = ReadingOptions & { sent: Sent; news: News; signal: AbortSignal }

async function addWorker(
  boss: PgBoss,
  { sent, news, signal, ...options }: Surroundings,
): Promise<void> {
  const worker = { id: "" }
  const handle = async ([job]: JobWithMetadata<IngestJob>[]) => {
    if (!job) return "gone"
    // Asks for the next job at once; pg-boss would otherwise sleep between any two.
    if (worker.id) boss.notifyWorker(worker.id)
    return runJob(job.data.sourceId, {
      ...options,
      // pg-boss runs a job again only when the worker that had it failed or fell silent.
      isTakeover: job.retryCount > 0,
      signal: AbortSignal.any([job.signal, signal]),
      onSettled: () => {
        sent.delete(job.data.sourceId)
        news.announce()
      },
    })
  }
  const listening = {
    includeMetadata: true,
    batchSize: 1,
    pollingIntervalSeconds: 1,
    notifyPollingIntervalSeconds: 5,
  } as const
  worker.id = await boss.work<IngestJob, string, typeof listening>(queue, listening, handle)
}

type RunOptions = ReadingOptions & {
  isTakeover: boolean
  signal: AbortSignal
  onSettled: () => void
}

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

type Sent = Map<string, { tenantId: string; at: number }>

/** Hands unfinished sources to the queue, as many of each tenant as may run, until told to stop. */
async function sweep(boss: PgBoss, sent: Sent, news: News): Promise<void> {
  while (!news.isOver) {
    try {
      for (const sourceId of await listUnfinishedSources(0)) await offer(boss, sent, sourceId)
    } catch (error) {
      log.warn({ reason: error instanceof Error ? error.message : "unknown" }, "sweep failed")
    }
    await news.wait(sweepMs)
  }
}

async function offer(boss: PgBoss, sent: Sent, sourceId: string): Promise<void> {
  const now = Date.now()
  for (const [id, { at }] of sent) if (now - at > resendMs) sent.delete(id)
  if (sent.has(sourceId)) return
  const tenantId = await findSourceTenant(sourceId)
  if (!tenantId) return
  const waiting = [...sent.values()].filter((other) => other.tenantId === tenantId).length
  if (waiting >= quotas.runningSources) return
  sent.set(sourceId, { tenantId, at: now })
  await boss.send(queue, { sourceId })
}

/** Lets the sweep sleep, and wakes it early when a job is done or the process stops. */
class News {
  readonly #signal: AbortSignal
  #wake: () => void = () => {}

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener("abort", () => this.#wake())
  }

  get isOver(): boolean {
    return this.#signal.aborted
  }

  announce(): void {
    this.#wake()
  }

  wait(ms: number): Promise<void> {
    if (this.isOver) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
