import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { vetOutbound } from "#lib/outbound/fetch.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { holdBot, removeChunks } from "./corpus.ts"
import { forgetPages, lockCrawl } from "./crawl.ts"
import { holdTenant, parse } from "./hold.ts"
import { type CrawlRow, toCrawlView } from "./queries.ts"
import { quotas } from "./quotas.ts"
import {
  type AddCrawlInput,
  addCrawlInput,
  type CrawlView,
  type UpdateCrawlInput,
  updateCrawlInput,
} from "./schema.ts"
import { nextRunAt } from "./settle.ts"
import { normalizeUrl } from "./site.ts"

/**
 * Reads a whole website, from this address on. One that the bot has already takes the new schedule and is
 * read again. Throws `url_not_allowed` for what is no public address, `conflict` beyond the limit.
 */
export async function addCrawl(
  scope: TenantScope,
  botId: string,
  input: AddCrawlInput,
  vet: typeof vetOutbound = vetOutbound,
): Promise<CrawlView> {
  allow(scope, "knowledge.write")
  const { url: address, ...choices } = parse(addCrawlInput, input)
  await vet(address, { allowsHttp: true })
  const url = normalizeUrl(address)
  if (!url) throw fail("url_not_allowed")
  return withTenant(scope, async (tx) => {
    if (!(await holdBot(tx, botId))) throw fail("not_found")
    const found = await tx.crawl.findFirst({ where: { botId, url }, select: { id: true } })
    const known = found && (await lockCrawl(tx, found.id))
    if (known) {
      const row = await tx.crawl.update({
        where: { id: known.id },
        data: { ...choices, ...(isAtWork(known) ? {} : queued) },
      })
      await showPages(tx, row)
      return toCrawlView(tx, row)
    }
    await holdTenant(tx, scope.tenantId)
    const twin = await tx.crawl.findFirst({ where: { botId, url } })
    if (twin) return toCrawlView(tx, twin)
    if ((await tx.crawl.count()) >= quotas.crawls) {
      throw fail("conflict", "You have as many websites as one account may have. Delete one first.")
    }
    const row = await tx.crawl.create({
      data: { id: newId("crawl"), tenantId: scope.tenantId, botId, url, ...choices },
    })
    await record(tx, scope, {
      action: "crawl.added",
      target: row.id,
      after: { botId, url, ...choices },
    })
    return toCrawlView(tx, row)
  })
}

const queued = { status: "queued", attempts: 0, error: null, nextRunAt: null } as const

const isAtWork = ({ status }: CrawlRow) => ["queued", "starting", "running"].includes(status)

/** Reads the website again now: only pages that changed change. While it is being read this does nothing. */
export async function refreshCrawl(scope: TenantScope, crawlId: string): Promise<CrawlView> {
  allow(scope, "knowledge.write")
  return withTenant(scope, async (tx) => {
    const crawl = await requireLocked(tx, crawlId)
    if (isAtWork(crawl)) return toCrawlView(tx, crawl)
    return toCrawlView(tx, await tx.crawl.update({ where: { id: crawlId }, data: queued }))
  })
}

/**
 * Changes when the website is read again, what visitors see of its pages (at once), and which paths are left
 * out (from the next reading on).
 */
export async function updateCrawl(
  scope: TenantScope,
  crawlId: string,
  input: UpdateCrawlInput,
): Promise<CrawlView> {
  allow(scope, "knowledge.write")
  const changes = parse(updateCrawlInput, input)
  const { schedule, visibility, exclude } = changes
  return withTenant(scope, async (tx) => {
    await lockPages(tx, crawlId)
    const crawl = await requireLocked(tx, crawlId)
    const isRescheduled = schedule && !isAtWork(crawl)
    const row = await tx.crawl.update({
      where: { id: crawlId },
      data: {
        ...(schedule ? { schedule } : {}),
        ...(visibility ? { visibility } : {}),
        ...(exclude ? { exclude } : {}),
        ...(isRescheduled ? { nextRunAt: nextRunAt(schedule, crawl.finishedAt) } : {}),
      },
    })
    if (visibility) await showPages(tx, row)
    await record(tx, scope, { action: "crawl.updated", target: crawlId, after: changes })
    return toCrawlView(tx, row)
  })
}

async function showPages(tx: Tx, { id, visibility }: CrawlRow): Promise<void> {
  await tx.source.updateMany({ where: { crawlId: id }, data: { visibility } })
}

/** Stops the reading of a website. Pages that are read stay; those that wait are given up. */
export async function stopCrawl(scope: TenantScope, crawlId: string): Promise<CrawlView> {
  allow(scope, "knowledge.write")
  return withTenant(scope, async (tx) => {
    await lockPages(tx, crawlId)
    const crawl = await requireLocked(tx, crawlId)
    if (!isAtWork(crawl)) throw fail("conflict", "This website is not being read.")
    await tx.$executeRaw`
      update sources set status = 'ready', progress = 100, claim = claim + 1, retry_at = null
      where tenant_id = ${scope.tenantId} and crawl_id = ${crawlId} and chunk_count > 0
        and status in ('queued', 'processing')`
    await tx.source.deleteMany({
      where: { crawlId, chunkCount: 0, status: { in: ["queued", "processing"] } },
    })
    await forgetPages(tx, crawlId)
    const row = await tx.crawl.update({
      where: { id: crawlId },
      data: { status: "stopped", attempts: 0, finishedAt: new Date(), nextRunAt: null },
    })
    await record(tx, scope, { action: "crawl.stopped", target: crawlId })
    return toCrawlView(tx, row)
  })
}

/** Deletes a website with all its pages and everything learned from them, in one transaction. */
export async function deleteCrawl(scope: TenantScope, crawlId: string): Promise<void> {
  allow(scope, "knowledge.write")
  await withTenant(scope, async (tx) => {
    const found = await tx.crawl.findFirst({ where: { id: crawlId } })
    if (!found || !(await holdBot(tx, found.botId))) throw fail("not_found")
    await lockPages(tx, crawlId)
    const crawl = await requireLocked(tx, crawlId)
    const pages = await tx.source.findMany({
      where: { crawlId },
      select: { id: true, chunkCount: true },
    })
    for (const { id, chunkCount } of pages) {
      const owner = { tenantId: scope.tenantId, botId: crawl.botId, sourceId: id }
      if (chunkCount > 0) await removeChunks(tx, owner)
    }
    await tx.source.deleteMany({ where: { crawlId } })
    await tx.crawl.delete({ where: { id: crawlId } })
    await record(tx, scope, {
      action: "crawl.deleted",
      target: crawlId,
      before: { botId: crawl.botId, url: crawl.url, pages: pages.length },
    })
  })
}

async function lockPages(tx: Tx, crawlId: string): Promise<void> {
  await tx.$queryRaw`select 1 from sources where crawl_id = ${crawlId} order by id for update`
}

async function requireLocked(tx: Tx, crawlId: string): Promise<CrawlRow> {
  const crawl = await lockCrawl(tx, crawlId)
  if (!crawl) throw fail("not_found")
  return crawl
}
