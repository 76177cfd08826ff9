import { newId } from "#lib/ids.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import { holdTenant } from "./hold.ts"
import { type CrawlRow, readSkipped, type SourceRow } from "./queries.ts"
import { crawlLimits, quotas } from "./quotas.ts"
import { isAllowedByRobots } from "./robots.ts"
import { chooseLinks, isUnderPath } from "./site.ts"

// A website is read in runs. A run is opened in open-crawl.ts (robots.txt, sitemap, the pages known so far) and then
// is nothing but queued sources: each page that is read takes up the links it finds, and the last one
// closes the run. So whatever dies in between, the queue goes on where it was.

export const spentSentence = "The time or size for one reading of this website was used up."
const limitNotice = (pages: number) =>
  `This website has more pages than the ${pages} that were read.`
const fullNotice =
  "Your account has as many sources as it may have, so some pages of this website were not read."
export const excludedSentence = "You left this part of the website out."
export const nothing = "No page of this website could be read."

/** Whether a run has used up its time or bytes; what is left of it is not read. */
export function isSpent(crawl: CrawlRow): boolean {
  const startedAt = crawl.startedAt?.getTime() ?? Date.now()
  return (
    Date.now() - startedAt > crawlLimits.minutes * 60_000 || crawl.byteCount > crawlLimits.bytes
  )
}

/** A website's row, held until the transaction ends; null when it is gone. */
export async function lockCrawl(tx: Tx, crawlId: string): Promise<CrawlRow | null> {
  await tx.$queryRaw`select 1 from crawls where id = ${crawlId} for update`
  return tx.crawl.findFirst({ where: { id: crawlId } })
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

/** Queues those of the addresses that are worth it, within the run's limits. The caller holds the crawl. */
export async function queuePages(
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
  const chosen = chooseLinks(links, { home: crawl.url, known }).filter(
    (url) => isAllowedByRobots(crawl.robots, url) && !isUnderPath(url, crawl.exclude),
  )
  if (chosen.length === 0) return
  await holdTenant(tx, crawl.tenantId)
  const places = Math.max(0, quotas.sources - (await tx.source.count()))
  const wanted = Math.max(0, crawl.maxPages - crawl.foundCount)
  const taken = chosen.slice(0, Math.min(wanted, places))
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
        visibility: crawl.visibility,
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
      ...(isCut ? { notice: places < wanted ? fullNotice : limitNotice(crawl.maxPages) } : {}),
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

/** How a run ends, until something better is known of it: failed, and due again by its schedule. */
export function ended(crawl: CrawlRow) {
  const days = { never: 0, daily: 1, weekly: 7 }[crawl.schedule] ?? 0
  return {
    status: "failed",
    attempts: 0,
    finishedAt: new Date(),
    nextRunAt: days > 0 ? new Date(Date.now() + days * dayMs) : null,
  }
}
