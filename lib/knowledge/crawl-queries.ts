import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { type CrawlRow, readSkipped } from "./crawl.ts"
import { requireOwnBot } from "./queries.ts"
import { crawlLimits } from "./quotas.ts"
import type { CrawlView } from "./schema.ts"

/** The websites a bot reads, newest first. Throws `not_found` for a bot that is not the tenant's. */
export async function listCrawls(
  scope: TenantScope,
  botId: string,
): Promise<{ data: CrawlView[] }> {
  allow(scope, "knowledge.read")
  return withTenant(scope, async (tx) => {
    await requireOwnBot(tx, botId)
    const rows = await tx.crawl.findMany({ where: { botId }, orderBy: { createdAt: "desc" } })
    const data: CrawlView[] = []
    for (const row of rows) data.push(await toCrawlView(tx, row))
    return { data }
  })
}

/** One website with its progress; throws `not_found`. */
export async function getCrawl(scope: TenantScope, crawlId: string): Promise<CrawlView> {
  allow(scope, "knowledge.read")
  return withTenant(scope, async (tx) => {
    const row = await tx.crawl.findFirst({ where: { id: crawlId } })
    if (!row) throw fail("not_found")
    return toCrawlView(tx, row)
  })
}

/** A website as people see it, its pages counted. */
export async function toCrawlView(tx: Tx, row: CrawlRow): Promise<CrawlView> {
  const pages = await tx.source.groupBy({
    by: ["status"],
    where: { crawlId: row.id },
    _count: { _all: true },
  })
  const pagesReady = await tx.source.count({ where: { crawlId: row.id, chunkCount: { gt: 0 } } })
  const waiting = pages
    .filter(({ status }) => status === "queued" || status === "processing")
    .reduce((sum, page) => sum + page._count._all, 0)
  const status = row.status === "starting" ? "running" : (row.status as CrawlView["status"])
  return {
    id: row.id,
    botId: row.botId,
    url: row.url,
    status,
    schedule: row.schedule as CrawlView["schedule"],
    maxPages: row.maxPages,
    pagesFound: row.foundCount,
    pagesDone: Math.max(0, row.foundCount - waiting),
    pagesReady,
    skippedCount: row.skippedCount,
    skipped: readSkipped(row)
      .filter(({ reason }) => reason !== "")
      .slice(0, crawlLimits.skippedShown),
    notice: row.notice,
    error: row.error,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    nextRunAt: row.nextRunAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  }
}
