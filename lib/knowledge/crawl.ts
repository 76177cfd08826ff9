import { newId } from "#lib/ids.ts"
import { fetchOutbound } from "#lib/outbound/fetch.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { scopeForJob, type TenantScope } from "#lib/tenancy/scope.ts"
import { holdBot } from "./corpus.ts"
import { SourceProblem } from "./extract.ts"
import { type CrawlRow, readSkipped, type SourceRow } from "./queries.ts"
import { crawlLimits, quotas } from "./quotas.ts"
import { explainFetch, PassingProblem } from "./read-page.ts"
import { type Fetch, fetchRobots, fetchSitemap, isAllowedByRobots } from "./robots.ts"
import { chooseLinks, normalizeUrl } from "./site.ts"

// A website is read in runs. A run is opened here (robots.txt, sitemap, the pages known so far) and then
// is nothing but queued sources: each page that is read takes up the links it finds, and the last one
// closes the run. So whatever dies in between, the queue goes on where it was.

const maxAttempts = 3
const startingIdleMs = 60_000

export const spentSentence = "The time or size for one reading of this website was used up."
const limitNotice = (pages: number) =>
  `This website has more pages than the ${pages} that were read.`
const forbidden = "The website's robots.txt asks programs not to read it."
const silent = "The website could not say whether programs may read it. Try again later."
const nothing = "No page of this website could be read."

/** Whether a run has used up its time or bytes; what is left of it is not read. */
export function isSpent(crawl: CrawlRow): boolean {
  const startedAt = crawl.startedAt?.getTime() ?? Date.now()
  return (
    Date.now() - startedAt > crawlLimits.minutes * 60_000 || crawl.byteCount > crawlLimits.bytes
  )
}

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

/** A website's row, held until the transaction ends; null when it is gone. */
export async function lockCrawl(tx: Tx, crawlId: string): Promise<CrawlRow | null> {
  await tx.$queryRaw`select 1 from crawls where id = ${crawlId} for update`
  return tx.crawl.findFirst({ where: { id: crawlId } })
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

/** Queues the pages that another one links to, within the run's limits, and books what that one cost. */
export async function takeUpLinks(
  tx: Tx,
  source: SourceRow,
  { links, byteCount }: { links: string[]; byteCount: number },
): Promise<void> {
  const crawl = await lockCrawl(tx, source.crawlId!)
  if (!crawl) return
  const booked = await tx.crawl.update({
    where: { id: crawl.id },
    data: { byteCount: crawl.byteCount + BigInt(byteCount) },
  })
  const isOurs = booked.status === "running" && booked.run === source.crawlRun
  if (!isOurs || links.length === 0 || source.depth >= crawlLimits.depth) return
  await queuePages(tx, booked, { links, depth: source.depth + 1 })
}

/** The caller holds the crawl. */
async function queuePages(
  tx: Tx,
  crawl: CrawlRow,
  { links, depth }: { links: string[]; depth: number },
): Promise<void> {
  const rows = await tx.source.findMany({
    where: { botId: crawl.botId, kind: "page" },
    select: { url: true },
    take: quotas.sources,
  })
  const known = [...rows.map(({ url }) => url ?? ""), ...readSkipped(crawl).map(({ url }) => url)]
  const chosen = chooseLinks(links, { home: crawl.url, known }).filter((url) =>
    isAllowedByRobots(crawl.robots, url),
  )
  const held = await tx.source.count()
  const room = Math.max(0, Math.min(crawl.maxPages - crawl.foundCount, quotas.sources - held))
  const taken = chosen.slice(0, room)
  if (taken.length > 0) {
    await tx.source.createMany({
      data: taken.map((url) => ({
        id: newId("source"),
        tenantId: crawl.tenantId,
        botId: crawl.botId,
        kind: "page",
        title: readPlainUrl(url),
        url,
        crawlId: crawl.id,
        crawlRun: crawl.run,
        depth,
      })),
    })
    await tx.$queryRaw`select pg_notify('source_queued', ${crawl.id})::text`
  }
  const isCut = taken.length < chosen.length
  await tx.crawl.update({
    where: { id: crawl.id },
    data: {
      foundCount: crawl.foundCount + taken.length,
      ...(isCut ? { notice: limitNotice(crawl.maxPages) } : {}),
    },
  })
}

/** An address as a title until the page has told its own: no scheme, no slash at the end. */
export function readPlainUrl(url: string): string {
  const { host, pathname, search } = new URL(url)
  let path = pathname
  try {
    path = decodeURI(pathname)
  } catch {
    // Not UTF-8 underneath: shown as it stands.
  }
  return `${host}${path}${search}`.replace(/\/$/, "").slice(0, 200).toWellFormed()
}

/** Remembers that an address was no page of this run. Without a reason it is no news to the owner. */
export async function noteSkipped(
  tx: Tx,
  source: SourceRow,
  { reason, byteCount }: { reason: string | null; byteCount: number },
): Promise<void> {
  const crawl = await lockCrawl(tx, source.crawlId!)
  if (!crawl) return
  const entry = { url: source.url ?? "", reason: reason ?? "" }
  await tx.crawl.update({
    where: { id: crawl.id },
    data: {
      skipped: [...readSkipped(crawl), entry].slice(-crawlLimits.mostPages),
      skippedCount: crawl.skippedCount + (reason ? 1 : 0),
      byteCount: crawl.byteCount + BigInt(byteCount),
      ...(reason === spentSentence ? { notice: spentSentence } : {}),
    },
  })
}

/** Closes the run when no page of it waits any more. */
export async function settleCrawl(tx: Tx, crawlId: string): Promise<void> {
  const crawl = await lockCrawl(tx, crawlId)
  if (crawl?.status !== "running") return
  const unfinished = await tx.source.count({
    where: { crawlId, status: { in: ["queued", "processing"] } },
  })
  if (unfinished > 0) {
    // A sign of life: somebody may be at its pages.
    await tx.crawl.update({ where: { id: crawlId }, data: { updatedAt: new Date() } })
    return
  }
  if (crawl.notice === spentSentence) await forgetPages(tx, crawlId)
  const read = await tx.source.count({ where: { crawlId, chunkCount: { gt: 0 } } })
  const reason = readSkipped(crawl).find((entry) => entry.reason)?.reason ?? nothing
  await tx.crawl.update({
    where: { id: crawlId },
    data: { ...ended(crawl), ...(read > 0 ? { status: "done" } : { error: reason }) },
  })
}

/** After a run that was cut short every page is read anew: an unchanged one would not tell its links. */
export async function forgetPages(tx: Tx, crawlId: string): Promise<void> {
  await tx.source.updateMany({
    where: { crawlId },
    data: { etag: null, lastModified: null, contentHash: null },
  })
}

const dayMs = 86_400_000

function ended(crawl: CrawlRow) {
  const days = { never: 0, daily: 1, weekly: 7 }[crawl.schedule] ?? 0
  return {
    status: "failed",
    attempts: 0,
    finishedAt: new Date(),
    nextRunAt: days > 0 ? new Date(Date.now() + days * dayMs) : null,
  }
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
