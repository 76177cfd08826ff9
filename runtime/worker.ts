import { startCrawlStarter } from "#lib/jobs/crawl-starter.ts"
import { startIngestQueue } from "#lib/jobs/ingest-queue.ts"
import { log } from "#lib/log.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { sweepExpired } from "#lib/tenancy/directory.ts"

/** The supervisor kills after eight seconds; what is not done by then is somebody else's again. */
const graceMs = 6_000
const housekeepingMs = 60_000

/** The worker: reads sources and tidies up. It may be killed at any moment; see lib/knowledge/ingest.ts. */
async function main(): Promise<void> {
  const queue = await startIngestQueue()
  const crawls = startCrawlStarter()
  const housekeeping = setInterval(() => {
    sweepExpired().catch((error: Error) => log.warn({ reason: error.message }, "tidying failed"))
  }, housekeepingMs)
  log.info("worker ready")
  let isStopping = false
  const stop = async () => {
    if (isStopping) return
    isStopping = true
    clearInterval(housekeeping)
    await Promise.all([queue.stop(graceMs), crawls.stop()])
    await disconnect()
    process.exit(0)
  }
  process.on("SIGTERM", stop)
  process.on("SIGINT", stop)
  // Without its parent nobody would ever stop it, and it would hold the database open.
  process.on("disconnect", () => process.exit(1))
}

main().catch((error) => {
  log.fatal({ reason: error instanceof Error ? error.message : String(error) }, "worker failed")
  process.exit(1)
})
