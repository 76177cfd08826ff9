import { queueDuePage, startCrawl } from "#lib/knowledge/open-crawl.ts"
import type { Fetch } from "#lib/knowledge/robots.ts"
import { log } from "#lib/log.ts"
import { listDueCrawls, listDuePages } from "#lib/tenancy/directory.ts"

// Opens the runs of websites whose turn it is, and queues single pages whose turn it is. What a run then reads are ordinary sources of the queue.
// Two processes may see the same website: the row's own status decides who opens its run.

const pollMs = 2_000
const atOnce = 2

export type CrawlStarter = { stop(): Promise<void> }

/** Starts looking for websites that are due, until told to stop. */
export function startCrawlStarter(options: { fetch?: Fetch } = {}): CrawlStarter {
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()

  const open = async (crawlId: string, tenantId: string) => {
    try {
      const outcome = await startCrawl(
        { crawlId, tenantId },
        { ...options, signal: stopping.signal },
      )
      if (outcome !== "waiting") log.info({ crawlId, outcome }, "website")
    } catch (error) {
      if (stopping.signal.aborted) return
      log.warn({ crawlId, reason: error instanceof Error ? error.message : "unknown" }, "website")
    }
  }

  const turn = async () => {
    for (const page of await listDuePages()) await queueDuePage(page)
    for (const { crawlId, tenantId } of await listDueCrawls()) {
      if (stopping.signal.aborted || running.size >= atOnce) return
      if (running.has(crawlId)) continue
      const work = open(crawlId, tenantId).finally(() => running.delete(crawlId))
      running.set(crawlId, work)
    }
  }

  const timer = setInterval(() => {
    turn().catch((error: Error) => log.warn({ reason: error.message }, "websites"))
  }, pollMs)
  return {
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await Promise.allSettled(running.values())
    },
  }
}
