import { startCrawlStarter } from "#lib/jobs/crawl-starter.ts"
import { startHeldChecker } from "#lib/jobs/held-checker.ts"
import { type ReadingOptions, startIngestQueue } from "#lib/jobs/ingest-queue.ts"
import { startVectorFiller } from "#lib/jobs/vector-filler.ts"
import { findHolder } from "#lib/limits/holder.ts"
import { freeGoneStreams } from "#lib/limits/streams.ts"
import { log } from "#lib/log.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { sweepExpired } from "#lib/tenancy/directory.ts"

/** The supervisor kills after eight seconds; what is not done by then is somebody else's again. */
const graceMs = 6_000
const housekeepingMs = 60_000
const soonMs = 5_000

/**
 * The worker: reads sources and tidies up. It may be killed at any moment; see lib/knowledge/ingest.ts.
 * Without `fetch` it reads web pages by the strict rules; the tests' own worker brings another way out.
 */
export async function runWorker(options: ReadingOptions = {}): Promise<void> {
  const queue = await startIngestQueue(options)
  const crawls = startCrawlStarter(options)
  const vectors = startVectorFiller()
  const checks = startHeldChecker()
  const housekeeping = setInterval(() => {
    sweepExpired().catch((error: Error) => log.warn({ reason: error.message }, "tidying failed"))
  }, housekeepingMs)
  // What /ready says of the worker hangs on this; a lost connection is made again.
  await findHolder("worker")
  const watching = setInterval(() => {
    Promise.all([findHolder("worker"), freeGoneStreams()]).catch((error: Error) =>
      log.warn({ reason: error.message }, "tidying failed"),
    )
  }, soonMs)
  let isStopping = false
  const stop = async () => {
    if (isStopping) return
    isStopping = true
    clearInterval(housekeeping)
    clearInterval(watching)
    await Promise.all([queue.stop(graceMs), crawls.stop(), vectors.stop(), checks.stop()])
    await disconnect()
    process.exit(0)
  }
  process.on("SIGTERM", stop)
  process.on("SIGINT", stop)
  // Without its parent nobody would ever stop it, and it would hold the database open.
  process.on("disconnect", () => process.exit(1))
  log.info("worker ready")
}

/** Says why a worker did not come up, and ends its process. */
export function failWorker(error: unknown): never {
  log.fatal({ reason: error instanceof Error ? error.message : String(error) }, "worker failed")
  process.exit(1)
}
