import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { olderThan, type Page, type PageInput, toPage } from "#lib/tenancy/page.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { cleanText } from "./clean.ts"
import { crawlLimits } from "./quotas.ts"
import type { CrawlView, SourceText, SourceView, Worsened } from "./schema.ts"

export type SourceRow = NonNullable<Awaited<ReturnType<Tx["source"]["findFirst"]>>>

export function toSourceView(row: SourceRow): SourceView {
  return {
    id: row.id,
    botId: row.botId,
    kind: row.kind as SourceView["kind"],
    title: row.title,
    url: row.url,
    status: row.status as SourceView["status"],
    progress: row.progress,
    chunkCount: row.chunkCount,
    byteSize: row.byteSize,
    error: row.error,
    notice: [row.notice, row.vectorNotice].filter(Boolean).join(" ") || null,
    worse: row.status === "held" ? (row.worse as Worsened[]) : null,
    pagesDone: row.pagesDone,
    pageCount: row.pageCount,
    crawlId: row.crawlId,
    visibility: row.visibility as SourceView["visibility"],
    schedule: row.schedule as SourceView["schedule"],
    nextRunAt: row.nextRunAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

/** A bot's sources, newest first. Throws `not_found` for a bot that is not the tenant's. */
export async function listSources(
  scope: TenantScope,
  botId: string,
  page: PageInput & { status?: SourceView["status"] | undefined } = {},
): Promise<Page<SourceView>> {
  allow(scope, "knowledge.read")
  const limit = page.limit ?? 50
  const rows = await withTenant(scope, async (tx) => {
    await requireOwnBot(tx, botId)
    return tx.source.findMany({
      where: {
        botId,
        ...(page.status ? { status: page.status } : {}),
        ...olderThan("createdAt", page.cursor),
      },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    })
  })
  return toPage(rows, limit, (row) => row.createdAt, toSourceView)
}

/** One source; throws `not_found`. */
export async function getSource(scope: TenantScope, sourceId: string): Promise<SourceView> {
  allow(scope, "knowledge.read")
  return withTenant(scope, async (tx) => toSourceView(await requireSource(tx, sourceId)))
}

const shownChars = 100_000
const shownChunks = 200

/** What was read from a source, as the bot knows it; before that, what was typed. Throws `not_found`. */
export async function getSourceText(scope: TenantScope, sourceId: string): Promise<SourceText> {
  allow(scope, "knowledge.read")
  return withTenant(scope, async (tx) => {
    const source = await requireSource(tx, sourceId)
    const live = await tx.chunk.findMany({
      where: { sourceId },
      orderBy: { ordinal: "asc" },
      take: shownChunks + 1,
      select: { heading: true, text: true },
    })
    const chunks = live.length > 0 ? live : await readHeldChunks(tx, sourceId)
    const text = chunks.length > 0 ? joinChunks(chunks) : await readTyped(tx, source)
    const isCut = chunks.length > shownChunks || text.length > shownChars
    return { text: text.slice(0, shownChars).toWellFormed(), truncated: isCut }
  })
}

/** Of a new source that is not live yet, what was read of it: the owner decides by that. */
async function readHeldChunks(tx: Tx, sourceId: string) {
  const row = await tx.heldReading.findFirst({ where: { sourceId } })
  const reading = row?.reading as { chunks: { heading: string; text: string }[] } | undefined
  return reading?.chunks ?? []
}

function joinChunks(chunks: { heading: string; text: string }[]): string {
  let above = ""
  return chunks
    .slice(0, shownChunks)
    .map(({ heading, text }) => {
      const isNew = heading !== "" && heading !== above
      above = heading
      return isNew ? `${heading}\n\n${text}` : text
    })
    .join("\n\n")
}

async function readTyped(tx: Tx, source: SourceRow): Promise<string> {
  if (source.kind === "file") return ""
  const original = await tx.sourceOriginal.findFirst({ where: { sourceId: source.id } })
  return original ? cleanText(readOriginal(source.kind, original.bytes).join("\n\n")) : ""
}

/** What the owner typed, as it is kept: a text, or a question and its answer. */
export function readOriginal(kind: string, bytes: Uint8Array): string[] {
  const text = new TextDecoder().decode(bytes)
  if (kind !== "qa") return [text]
  const { question, answer } = JSON.parse(text) as { question: string; answer: string }
  return [question, answer]
}

/** The bot exists and is the tenant's, or `not_found`. */
export async function requireOwnBot(tx: Tx, botId: string): Promise<void> {
  if (!(await tx.bot.findFirst({ where: { id: botId }, select: { id: true } }))) {
    throw fail("not_found")
  }
}

/** The source's row inside a transaction; throws `not_found` for what is not there or not yours. */
export async function requireSource(tx: Tx, sourceId: string): Promise<SourceRow> {
  const row = await tx.source.findFirst({ where: { id: sourceId } })
  if (!row) throw fail("not_found")
  return row
}

export type CrawlRow = NonNullable<Awaited<ReturnType<Tx["crawl"]["findFirst"]>>>
export type Skipped = { url: string; reason: string }

/** What a run left out so far; entries without a reason are no news to the owner. */
export function readSkipped(crawl: CrawlRow): Skipped[] {
  return Array.isArray(crawl.skipped) ? (crawl.skipped as Skipped[]) : []
}

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
  const pagesDone = Math.max(0, row.foundCount - waiting)
  const status = row.status === "starting" ? "running" : (row.status as CrawlView["status"])
  return {
    id: row.id,
    botId: row.botId,
    url: row.url,
    status,
    schedule: row.schedule as CrawlView["schedule"],
    maxPages: row.maxPages,
    visibility: row.visibility as CrawlView["visibility"],
    exclude: row.exclude,
    pagesFound: row.foundCount,
    pagesDone,
    secondsLeft: status === "running" ? guessSecondsLeft(row, pagesDone) : null,
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

/** By the speed so far, which the first pages and seconds do not tell. */
function guessSecondsLeft(
  { startedAt, foundCount }: Pick<CrawlRow, "startedAt" | "foundCount">,
  pagesDone: number,
): number | null {
  const seconds = (Date.now() - (startedAt?.getTime() ?? Date.now())) / 1_000
  if (pagesDone < 3 || seconds < 3 || pagesDone >= foundCount) return null
  return Math.ceil(((foundCount - pagesDone) * seconds) / pagesDone)
}
