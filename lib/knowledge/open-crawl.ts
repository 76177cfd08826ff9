import { fetchOutbound } from "#lib/outbound/fetch.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { scopeForJob, type TenantScope } from "#lib/tenancy/scope.ts"
import { holdBot } from "./corpus.ts"
import { ended, lockCrawl, nothing, queuePages, settleCrawl } from "./crawl.ts"
import { SourceProblem } from "./extract.ts"
import { announce, holdTenant, requeued } from "./hold.ts"
import type { CrawlRow } from "./queries.ts"
import { quotas } from "./quotas.ts"
import { explainFetch, PassingProblem } from "./read-page.ts"
import { type Fetch, fetchRobots, fetchSitemap, isAllowedByRobots } from "./robots.ts"
import { normalizeUrl } from "./site.ts"

// How a website's run begins. Apart from crawl.ts because this half reads pages, which only the worker does.

const maxAttempts = 3
const startingIdleMs = 60_000
const forbidden = "The website's robots.txt asks programs not to read it."
const silent = "The website could not say whether programs may read it. Try again later."

export type CrawlOutcome = "running" | "waiting" | "failed" | "gone" | "settled"

/** Opens the next run of a website whose turn it is, or closes one that nobody closed. */
export async function startCrawl(
  { crawlId, tenantId }: { crawlId: string; tenantId: string },
  { fetch = fetchOutbound, signal }: { fetch?: Fetch; signal?: AbortSignal } = {},
): Promise<CrawlOutcome> {
  const scope = scopeForJob(tenantId, "crawl")
  const claim = await claimCrawl(scope, crawlId)
  if (typeof claim === "string") return claim
  try {
    const robots = await fetchRobots(fetch, claim.url, signal).catch((error) => {
      throw explainFetch(error)
    })
    if (robots === null) throw new PassingProblem(silent)
    if (!isAllowedByRobots(robots, claim.url)) throw new SourceProblem(forbidden)
    const most = claim.maxPages * 2
    const site = { home: claim.url, robots, most, ...(signal ? { signal } : {}) }
    const pages = await fetchSitemap(fetch, site)
    return await openRun(scope, claim, { robots, pages })
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof SourceProblem)) throw error
    await giveUp(scope, claim, error)
    return "failed"
  }
}

/** Queues a single page whose turn to be read again it is. */
export async function queueDuePage({
  sourceId,
  tenantId,
}: {
  sourceId: string
  tenantId: string
}): Promise<void> {
  await withTenant(scopeForJob(tenantId, "crawl"), async (tx) => {
    const { count } = await tx.source.updateMany({
      where: {
        id: sourceId,
        status: { in: ["ready", "failed"] },
        nextRunAt: { lte: new Date() },
      },
      data: { ...requeued, nextRunAt: null },
    })
    if (count > 0) await announce(tx, sourceId)
  })
}

async function claimCrawl(scope: TenantScope, crawlId: string): Promise<CrawlRow | CrawlOutcome> {
  return withTenant(scope, async (tx) => {
    const crawl = await lockCrawl(tx, crawlId)
    if (!crawl) return "gone"
    if (crawl.status === "running") {
      await settleCrawl(tx, crawlId)
      return "settled"
    }
    const isStuck = crawl.status === "starting"
    if (isStuck && Date.now() - crawl.updatedAt.getTime() < startingIdleMs) return "waiting"
    const isDue = crawl.nextRunAt !== null && crawl.nextRunAt.getTime() <= Date.now()
    const isAsked = crawl.status === "queued" && (crawl.nextRunAt === null || isDue)
    if (!isStuck && !isAsked && !(["done", "failed"].includes(crawl.status) && isDue)) {
      return "waiting"
    }
    // Two workers that open two of a tenant's websites count one after the other.
    await holdTenant(tx, crawl.tenantId)
    if (!isStuck && (await countRunning(tx)) >= quotas.runningCrawls) {
      // Goes to the end of the tenant's own line.
      await tx.crawl.update({ where: { id: crawlId }, data: { updatedAt: new Date() } })
      return "waiting"
    }
    if (crawl.attempts >= maxAttempts) {
      await tx.crawl.update({ where: { id: crawlId }, data: { ...ended(crawl), error: nothing } })
      return "failed"
    }
    return tx.crawl.update({
      where: { id: crawlId },
      data: {
        status: "starting",
        run: crawl.run + 1,
        attempts: crawl.attempts + 1,
        foundCount: 0,
        byteCount: 0,
        skipped: [],
        skippedCount: 0,
        notice: null,
        error: null,
        startedAt: new Date(),
        finishedAt: null,
        nextRunAt: null,
      },
    })
  })
}

async function countRunning(tx: Tx): Promise<number> {
  return tx.crawl.count({ where: { status: { in: ["starting", "running"] } } })
}

/** Queues what is known of the site and what its sitemap names; links do the rest. */
async function openRun(
  scope: TenantScope,
  claim: CrawlRow,
  { robots, pages }: { robots: string; pages: string[] },
): Promise<CrawlOutcome> {
  return withTenant(scope, async (tx) => {
    if (!(await holdBot(tx, claim.botId))) return "gone"
    await tx.$queryRaw`select 1 from sources where crawl_id = ${claim.id} order by id for update`
    const crawl = await lockCrawl(tx, claim.id)
    if (crawl?.status !== "starting" || crawl.run !== claim.run) return "gone"
    const known = await tx.source.updateMany({
      where: { crawlId: crawl.id },
      data: {
        status: "queued",
        progress: 0,
        attempts: 0,
        retryAt: null,
        error: null,
        crawlRun: crawl.run,
      },
    })
    const opened = await tx.crawl.update({
      where: { id: crawl.id },
      data: { status: "running", attempts: 0, robots, foundCount: known.count },
    })
    const start = normalizeUrl(crawl.url) ?? crawl.url
    await queuePages(tx, opened, { links: [start, ...pages], depth: 0 })
    await settleCrawl(tx, crawl.id)
    return "running"
  })
}

async function giveUp(scope: TenantScope, claim: CrawlRow, error: SourceProblem): Promise<void> {
  const isAgain = error instanceof PassingProblem && claim.attempts < maxAttempts
  const seconds = 30 * 4 ** (claim.attempts - 1)
  await withTenant(scope, (tx) =>
    tx.crawl.updateMany({
      where: { id: claim.id, run: claim.run, status: "starting" },
      data: isAgain
        ? {
            status: "queued",
            error: error.message,
            nextRunAt: new Date(Date.now() + seconds * 1_000),
          }
        : { ...ended(claim), error: error.message },
    }),
  )
}
