import { setImmediate as nextTick } from "node:timers/promises"
import { fetchOutbound } from "#lib/outbound/fetch.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { findSourceTenant } from "#lib/tenancy/directory.ts"
import { scopeForJob, type TenantScope } from "#lib/tenancy/scope.ts"
import { type Chunk, chunkQuestion, chunkText } from "./chunk.ts"
import { type IndexedChunk, indexChunk } from "./corpus.ts"
import { excludedSentence, isSpent, spentSentence } from "./crawl.ts"
import { emptyPageSentence, extractText, SourceProblem } from "./extract.ts"
import { checkFile } from "./file-type.ts"
import { detectLanguage, type Language } from "./language.ts"
import { type CrawlRow, readOriginal, type SourceRow } from "./queries.ts"
import { explainFetch, PassingProblem, readPage } from "./read-page.ts"
import { type Fetch, fetchRobots, isAllowedByRobots, readDelayMs } from "./robots.ts"
import { orderLanguages } from "./search.ts"
import { keep, leadOn, ownedBy, postpone, publish, type Reading, refuse } from "./settle.ts"
import { isSameSite, isUnderPath, normalizeUrl } from "./site.ts"

// Guarantees: killed at any step, an ingest leaves either nothing or everything. Chunks, counts and
// `ready` are one transaction, which first checks that the source is still there and that this very
// attempt still owns it; an attempt that was overtaken or stopped writes nothing. A source that is read
// again goes on answering with its earlier version until the new one takes its place in that transaction.

export const maxAttempts = 3
/** After so long without a sign of life another worker may take a source over. */
export const idleSeconds = 30
const maxChunks = 5_000
const chunksPerBreath = 50
const reportMs = 1_000

const givenUp =
  "Reading this failed three times. Try again; if it fails once more, split it into smaller parts."
const tooMuchText =
  "This holds more text than one source can take. Split it into smaller parts and add those."
const forbiddenByRobots = "The website's robots.txt asks programs not to read this page."
const unreadableRobots = "The website could not say whether programs may read it. Try again later."
const otherSite = "This address leads to another website."
const notForRobots = "This page asks not to be read by programs (noindex)."

/** `checking`: not live before golden questions are asked. `gone`: deleted or stopped meanwhile. `taken`: another worker is at it. `later`: tried again in a while. */
export type IngestOutcome = "ready" | "checking" | "failed" | "gone" | "taken" | "later"

export type IngestOptions = {
  /** True when the queue knows that the worker which had this source is dead. */
  isTakeover?: boolean
  signal?: AbortSignal
  /** The way out to web pages; tests pass one that knows their site. */
  fetch?: Fetch
}

/**
 * Turns one queued source into chunks. Throws only for passing trouble of ours (database away, process
 * stopping), after which it may be called again; everything else ends in an outcome.
 */
export async function ingestSource(
  sourceId: string,
  options: IngestOptions = {},
): Promise<IngestOutcome> {
  const tenantId = await findSourceTenant(sourceId)
  if (!tenantId) return "gone"
  const scope = scopeForJob(tenantId, "ingest")
  const claim = await claimSource(scope, sourceId, options)
  if (typeof claim === "string") return claim
  const watch = watchClaim(scope, claim.source, options.signal)
  try {
    return await work(scope, claim, { ...options, signal: watch.signal, watch })
  } catch (error) {
    if (watch.isLost) return "gone"
    if (!(error instanceof SourceProblem)) throw error
    const isPassing = error instanceof PassingProblem
    if (isPassing && claim.source.attempts < maxAttempts) {
      return (await postpone(scope, claim.source)) ? "later" : "gone"
    }
    return refuse(scope, claim.source, { sentence: error.message, isPassing })
  } finally {
    watch.stop()
  }
}

type Claim = {
  source: SourceRow
  crawl: CrawlRow | null
  bytes: Uint8Array
  fileName: string
  /** Of the version that is being read, which may not be the one in use. */
  title: string
  languages: Language[]
  locale: string | null
}

/** Marks the source as this attempt's own. The claim's number is the proof: only the newest may write. */
async function claimSource(
  scope: TenantScope,
  sourceId: string,
  { isTakeover }: IngestOptions,
): Promise<Claim | IngestOutcome> {
  const claimed = await withTenant(scope, async (tx) => {
    await tx.$queryRaw`select 1 from sources where id = ${sourceId} for update`
    const source = await tx.source.findFirst({ where: { id: sourceId } })
    if (!source) return "gone"
    if (source.status !== "queued" && source.status !== "processing") return "taken"
    const idleMs = Date.now() - source.updatedAt.getTime()
    if (source.status === "processing" && !isTakeover && idleMs < idleSeconds * 1_000) {
      return "taken"
    }
    const row = await tx.source.update({
      where: { id: sourceId },
      data: {
        status: "processing",
        progress: 5,
        pagesDone: 0,
        pageCount: null,
        claim: source.claim + 1,
        attempts: source.attempts + 1,
        error: null,
        retryAt: null,
      },
    })
    return { source: row, ...(await readBeginnings(tx, row)) }
  })
  if (typeof claimed === "string") return claimed as IngestOutcome
  if (claimed.source.attempts <= maxAttempts) return claimed
  return refuse(scope, claimed.source, { sentence: givenUp, isPassing: true })
}

async function readBeginnings(tx: Tx, source: SourceRow) {
  const original = await tx.sourceOriginal.findFirst({ where: { sourceId: source.id } })
  const corpus = await tx.botCorpus.findFirst({ where: { botId: source.botId } })
  const bot = await tx.bot.findFirst({ where: { id: source.botId }, select: { locale: true } })
  const crawl = source.crawlId ? await tx.crawl.findFirst({ where: { id: source.crawlId } }) : null
  return {
    bytes: original?.pending ?? original?.bytes ?? new Uint8Array(),
    fileName: original?.pendingName ?? source.fileName ?? "",
    title: (source.kind !== "file" && original?.pendingName) || source.title,
    crawl,
    languages: orderLanguages(corpus?.languages),
    locale: bot?.locale ?? null,
  }
}

type Watch = {
  signal: AbortSignal
  readonly isLost: boolean
  note: (progress: number, pages?: { done: number; total: number }) => void
  stop: () => void
}

/** Says once a second that the source is being read, and stops the reading when it is no longer ours. */
function watchClaim(scope: TenantScope, source: SourceRow, outer?: AbortSignal): Watch {
  const lost = new AbortController()
  const data: { progress: number; pagesDone?: number; pageCount?: number } = { progress: 5 }
  const timer = setInterval(() => {
    withTenant(scope, (tx) => tx.source.updateMany({ where: ownedBy(source), data })).then(
      ({ count }) => {
        if (count === 0) lost.abort()
      },
      // The database is away: whoever publishes next will notice.
      () => {},
    )
  }, reportMs)
  return {
    signal: outer ? AbortSignal.any([outer, lost.signal]) : lost.signal,
    get isLost() {
      return lost.signal.aborted
    },
    note(progress, pages) {
      data.progress = Math.max(data.progress, Math.min(99, Math.floor(progress)))
      if (pages) Object.assign(data, { pagesDone: pages.done, pageCount: pages.total })
    },
    stop: () => clearInterval(timer),
  }
}

type WorkOptions = IngestOptions & { signal: AbortSignal; watch: Watch }

async function work(
  scope: TenantScope,
  claim: Claim,
  options: WorkOptions,
): Promise<IngestOutcome> {
  if (claim.source.kind === "page") return workOnPage(scope, claim, options)
  const { chunks, notice } = await readStored(claim, options)
  const indexed = await indexChunks(chunks, claim, claim.title, options)
  return publish(scope, claim.source, { chunks: indexed, changes: { notice } })
}

async function readStored(
  { source, bytes, fileName }: Claim,
  { signal, watch }: WorkOptions,
): Promise<{ chunks: Chunk[]; notice: string | null }> {
  if (source.kind === "qa") {
    const [question, answer] = readOriginal("qa", bytes) as [string, string]
    return { chunks: chunkQuestion(question, answer), notice: null }
  }
  const type = source.kind === "file" ? checkFile(bytes, fileName) : "text"
  const { pages, pairs, notice } = await extractText(type, bytes, {
    signal,
    onPage: (done, total) => watch.note(5 + (35 * done) / total, { done, total }),
  })
  // An import of questions stays one source, and each of its pairs one passage.
  const chunks = pairs
    ? pairs.flatMap(({ question, answer }) => chunkPair(question, answer))
    : chunkText(pages)
  return { chunks, notice }
}

async function workOnPage(
  scope: TenantScope,
  claim: Claim,
  options: WorkOptions,
): Promise<IngestOutcome> {
  const { source, crawl } = claim
  const { signal, watch, fetch = fetchOutbound } = options
  const url = source.url ?? ""
  if (crawl && isSpent(crawl)) {
    return refuse(scope, source, { sentence: spentSentence, isPassing: true })
  }
  if (crawl && isUnderPath(url, crawl.exclude)) throw new SourceProblem(excludedSentence)
  await requireRobots(fetch, url, crawl, signal)
  const isKnown = source.chunkCount > 0
  const page = await readPage(
    fetch,
    { ...source, url, contentHash: isKnown ? source.contentHash : null },
    signal,
  )
  watch.note(40)
  if (page.isUnchanged) {
    return (await keep(scope, source, page.byteCount)) ? "ready" : "gone"
  }
  const { extract, byteCount } = page
  if (crawl) {
    if (!isSameSite(page.url, crawl.url)) throw new SourceProblem(otherSite)
    const end = normalizeUrl(extract.refresh ?? page.url) ?? url
    if (end !== url) return leadOn(scope, source, { links: [end], byteCount })
    if (extract.isNoIndex) throw new SourceProblem(notForRobots)
  }
  const pages = extract.pages.filter(({ text }) => /[\p{L}\p{N}]/u.test(text))
  const links = extract.links ?? []
  if (pages.length === 0) {
    if (crawl && links.length > 0) return leadOn(scope, source, { links, byteCount })
    throw new SourceProblem(emptyPageSentence)
  }
  const title = extract.title || source.title
  const reading: Reading = {
    chunks: await indexChunks(chunkText(pages), claim, title, options),
    links,
    byteCount,
    changes: {
      title,
      notice: extract.notice,
      byteSize: byteCount,
      etag: page.etag,
      lastModified: page.lastModified,
      contentHash: page.contentHash,
      checkedAt: new Date(),
    },
  }
  return publish(scope, source, reading)
}

/** robots.txt is the site's word: of a whole site as its run found it, of a single page asked now. */
async function requireRobots(
  fetch: Fetch,
  url: string,
  crawl: CrawlRow | null,
  signal: AbortSignal,
): Promise<void> {
  const robots = crawl
    ? crawl.robots
    : await fetchRobots(fetch, url, signal).catch((error) => {
        signal.throwIfAborted()
        throw explainFetch(error)
      })
  if (robots === null) throw new PassingProblem(unreadableRobots)
  if (!isAllowedByRobots(robots, url)) throw new SourceProblem(forbiddenByRobots)
  if (crawl) await waitTurn(new URL(url).host, readDelayMs(robots, url), signal)
}

const turns = new Map<string, number>()

/** Leaves the asked-for time between two pages of one host. */
async function waitTurn(host: string, delayMs: number, signal: AbortSignal): Promise<void> {
  const now = Date.now()
  for (const [other, at] of turns) if (at < now) turns.delete(other)
  const at = Math.max(now, turns.get(host) ?? 0)
  turns.set(host, at + delayMs)
  if (at === now) return
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop)
      resolve()
    }, at - now)
    signal.addEventListener("abort", stop, { once: true })
  })
}

async function indexChunks(
  chunks: Chunk[],
  claim: Claim,
  title: string,
  { signal, watch }: WorkOptions,
): Promise<IndexedChunk[]> {
  if (chunks.length > maxChunks) throw new SourceProblem(tooMuchText)
  const language = chooseLanguage(chunks, claim)
  const shownTitle = claim.source.kind === "qa" ? "" : title
  const indexed: IndexedChunk[] = []
  for (const [i, chunk] of chunks.entries()) {
    if (i % chunksPerBreath === 0) {
      // Lets heartbeats and a stop signal through while a long text is worked on.
      await nextTick()
      signal.throwIfAborted()
      watch.note(40 + (50 * i) / chunks.length)
    }
    indexed.push(indexChunk(shownTitle, chunk, language))
  }
  return indexed
}

/** An answer too long for one passage keeps its question above every part. */
function chunkPair(question: string, answer: string): Chunk[] {
  const parts = chunkText([{ number: null, text: answer }])
  if (parts.length < 2) return chunkQuestion(question, answer)
  return parts.map((part) => ({
    ...part,
    heading: [question, part.heading].filter(Boolean).join(" › "),
  }))
}

/** A source speaks one language; one too short to tell speaks what the bot's others do. */
function chooseLanguage(chunks: Chunk[], { languages, locale }: Claim): Language {
  const text = chunks.map((chunk) => `${chunk.heading}\n${chunk.text}`).join("\n")
  return detectLanguage(text) ?? languages[0] ?? locale?.split("-")[0]?.toLowerCase() ?? "en"
}
