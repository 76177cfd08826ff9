import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { addChunks, holdBot, type IndexedChunk, removeChunks } from "./corpus.ts"
import { noteSkipped, settleCrawl, takeUpLinks } from "./crawl.ts"
import type { SourceRow } from "./queries.ts"
import type { Schedule } from "./schema.ts"

// How a reading ends. Each end is one transaction that first proves that the reading still owns its
// source. Locks in this order: bot, source, corpus, crawl.

/** What a reading brings: everything that changes when it takes the place of the earlier one. */
export type Reading = {
  chunks: IndexedChunk[]
  changes: {
    notice: string | null
    title?: string
    byteSize?: number
    etag?: string | null
    lastModified?: string | null
    contentHash?: string
    checkedAt?: Date
  }
  /** Of a website's page: where it leads, and what it cost. */
  links?: string[]
  byteCount?: number
}

/** Only the newest claim may write; a source that was stopped or replaced has a newer one, or none. */
export function ownedBy({ id, claim }: SourceRow) {
  return { id, claim, status: "processing" }
}

/** Runs `work` holding the bot and the source, as long as this reading still owns it; null otherwise. */
async function asOwner<T>(
  scope: TenantScope,
  source: SourceRow,
  work: (tx: Tx, current: SourceRow) => Promise<T>,
): Promise<T | null> {
  return withTenant(scope, async (tx) => {
    if (!(await holdBot(tx, source.botId))) return null
    await tx.$queryRaw`select 1 from sources where id = ${source.id} for update`
    const current = await tx.source.findFirst({ where: ownedBy(source) })
    return current ? work(tx, current) : null
  })
}

const owner = ({ tenantId, botId, id }: SourceRow) => ({ tenantId, botId, sourceId: id })

/**
 * Puts the new text in the place of the old, or holds it for the golden questions of a published bot.
 * `gone`: deleted, stopped or overtaken, and nothing written.
 */
export async function publish(
  scope: TenantScope,
  source: SourceRow,
  { links = [], byteCount = 0, ...reading }: Reading,
): Promise<"ready" | "checking" | "gone"> {
  const done = await asOwner(scope, source, async (tx, current) => {
    if (current.crawlId && (await isCopy(tx, current, reading.changes.contentHash))) {
      await skip(tx, current, copySentence, byteCount)
      return "ready"
    }
    const isChecked = await hasGoldenQuestions(tx, current.botId)
    await (isChecked ? hold : place)(tx, current, reading)
    if (current.crawlId) {
      await takeUpLinks(tx, current, { links, byteCount })
      await settleCrawl(tx, current.crawlId)
    }
    return isChecked ? "checking" : "ready"
  })
  return done ?? "gone"
}

const copySentence = "This page has the same text as another one."

/** Whether what is read for this bot is asked about before it goes live. */
async function hasGoldenQuestions(tx: Tx, botId: string): Promise<boolean> {
  const bot = await tx.bot.findFirst({ where: { id: botId }, select: { isPublished: true } })
  return bot?.isPublished === true && (await tx.goldenQuestion.count({ where: { botId } })) > 0
}

type Version = Pick<Reading, "chunks" | "changes">

/** The exchange of the two versions. The caller holds the bot and the source. */
async function place(tx: Tx, current: SourceRow, { chunks, changes }: Version): Promise<void> {
  if (current.chunkCount > 0) await removeChunks(tx, owner(current))
  await addChunks(tx, owner(current), chunks)
  await tx.source.update({
    where: { id: current.id },
    data: {
      ...changes,
      ...(await adoptPending(tx, current)),
      ...readAgainAt(current),
      status: "ready",
      progress: 100,
      attempts: 0,
      chunkCount: chunks.length,
      // Its chunks are new: the vectors went with the old ones.
      vectorModel: null,
      vectorAttempts: 0,
      vectorRetryAt: null,
      vectorNotice: null,
    },
  })
}

/** Keeps what was read out of everyone's sight. A new page shows its own title while it waits. */
async function hold(tx: Tx, current: SourceRow, { chunks, changes }: Version): Promise<void> {
  const { title, byteSize, notice } = changes
  const isNew = current.chunkCount === 0
  await tx.source.update({
    where: { id: current.id },
    data: {
      status: "checking",
      progress: 100,
      attempts: 0,
      ...(isNew ? { notice, ...(title ? { title } : {}), ...(byteSize ? { byteSize } : {}) } : {}),
    },
  })
  const reading = JSON.parse(JSON.stringify({ chunks, changes }))
  const { tenantId, id: sourceId } = current
  await tx.heldReading.create({ data: { tenantId, sourceId, reading } })
}

/** Puts live what is held of a source. The caller holds the bot and the source. */
export async function placeHeld(tx: Tx, current: SourceRow): Promise<void> {
  const row = await tx.heldReading.findFirst({ where: { sourceId: current.id } })
  if (!row) throw new Error("a held source has its reading")
  const { chunks, changes } = row.reading as unknown as Version
  // Of two pages with one text that were held together, the first is the one.
  if (current.crawlId && (await isCopy(tx, current, changes.contentHash))) {
    return skip(tx, current, copySentence, 0)
  }
  // What was a moment is text in JSON.
  const { checkedAt } = changes
  const when = checkedAt ? { checkedAt: new Date(checkedAt) } : {}
  await place(tx, current, { chunks, changes: { ...changes, ...when } })
}

/** A replacement goes, and the version in use stays. The caller holds the bot and the source. */
export async function dropHeld(tx: Tx, current: SourceRow): Promise<void> {
  await dropPending(tx, current.id)
  await tx.source.update({
    where: { id: current.id },
    data: { ...readAgainAt(current), status: "ready", progress: 100 },
  })
}

const dayMs = 86_400_000

/** When something is read again that was last read at `from`; null for what has no schedule. */
export function nextRunAt(schedule: string, from: Date | null): Date | null {
  const days = { never: 0, daily: 1, weekly: 7 }[schedule as Schedule]
  return days > 0 ? new Date((from ?? new Date()).getTime() + days * dayMs) : null
}

const readAgainAt = ({ schedule }: SourceRow) => ({ nextRunAt: nextRunAt(schedule, new Date()) })

/** The next version becomes the original. */
async function adoptPending(tx: Tx, source: SourceRow) {
  const original = await tx.sourceOriginal.findFirst({
    where: { sourceId: source.id, pending: { not: null } },
  })
  if (!original?.pending) return {}
  const { pending, pendingName, pendingType } = original
  await tx.sourceOriginal.update({
    where: { sourceId: source.id },
    data: { bytes: pending, pending: null, pendingName: null, pendingType: null },
  })
  const byteSize = pending.length
  if (source.kind === "file") return { byteSize, fileName: pendingName, mediaType: pendingType }
  return { byteSize, ...(pendingName ? { title: pendingName } : {}) }
}

async function isCopy(tx: Tx, source: SourceRow, contentHash?: string): Promise<boolean> {
  if (!contentHash) return false
  const other = await tx.source.findFirst({
    where: { crawlId: source.crawlId, contentHash, chunkCount: { gt: 0 }, id: { not: source.id } },
    select: { id: true },
  })
  return other !== null
}

/** Nothing has changed: what is known stays. */
export async function keep(
  scope: TenantScope,
  source: SourceRow,
  byteCount: number,
): Promise<boolean> {
  const done = await asOwner(scope, source, async (tx, current) => {
    await tx.source.update({
      where: { id: current.id },
      data: {
        ...readAgainAt(current),
        status: "ready",
        progress: 100,
        attempts: 0,
        notice: null,
        checkedAt: new Date(),
      },
    })
    if (current.crawlId) {
      await takeUpLinks(tx, current, { links: [], byteCount })
      await settleCrawl(tx, current.crawlId)
    }
    return true
  })
  return done === true
}

/** A page of a website that is no page itself: its links are taken up in its place. */
export async function leadOn(
  scope: TenantScope,
  source: SourceRow,
  { links, byteCount }: { links: string[]; byteCount: number },
): Promise<"ready" | "gone"> {
  const done = await asOwner(scope, source, async (tx, current) => {
    await takeUpLinks(tx, current, { links, byteCount })
    await skip(tx, current, null, 0)
    return true
  })
  return done ? "ready" : "gone"
}

/** Tries again in half a minute, then in two. */
export async function postpone(scope: TenantScope, source: SourceRow): Promise<boolean> {
  const seconds = 30 * 4 ** Math.max(0, source.attempts - 1)
  const { count } = await withTenant(scope, (tx) =>
    tx.source.updateMany({
      where: ownedBy(source),
      data: { status: "queued", progress: 0, retryAt: new Date(Date.now() + seconds * 1_000) },
    }),
  )
  return count > 0
}

/**
 * A source that could not be read says why. One that was read before keeps answering with what it had; a
 * website's page that is gone for good leaves, and its site remembers the reason.
 */
export async function refuse(
  scope: TenantScope,
  source: SourceRow,
  { sentence, isPassing }: { sentence: string; isPassing: boolean },
): Promise<"failed" | "gone"> {
  const done = await asOwner(scope, source, async (tx, current) => {
    const isKnown = current.chunkCount > 0
    if (current.crawlId && !(isKnown && isPassing)) {
      await skip(tx, current, sentence, 0)
      return true
    }
    await dropPending(tx, current.id)
    await tx.source.update({
      where: { id: current.id },
      data: isKnown
        ? {
            ...readAgainAt(current),
            status: "ready",
            progress: 100,
            attempts: 0,
            notice: `The newest version could not be read, so the earlier one stays in use. ${sentence}`,
          }
        : { ...readAgainAt(current), status: "failed", error: sentence, progress: 100 },
    })
    if (current.crawlId) await settleCrawl(tx, current.crawlId)
    return true
  })
  return done ? "failed" : "gone"
}

export async function dropPending(tx: Tx, sourceId: string): Promise<void> {
  await tx.sourceOriginal.updateMany({
    where: { sourceId },
    data: { pending: null, pendingName: null, pendingType: null },
  })
}

async function skip(
  tx: Tx,
  source: SourceRow,
  reason: string | null,
  byteCount: number,
): Promise<void> {
  if (source.chunkCount > 0) await removeChunks(tx, owner(source))
  await tx.source.delete({ where: { id: source.id } })
  await noteSkipped(tx, source, { reason, byteCount })
  await settleCrawl(tx, source.crawlId!)
}
