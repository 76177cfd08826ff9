import { setImmediate as nextTick } from "node:timers/promises"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { findSourceTenant } from "#lib/tenancy/directory.ts"
import { scopeForJob, type TenantScope } from "#lib/tenancy/scope.ts"
import { type Chunk, chunkQuestion, chunkText } from "./chunk.ts"
import { addChunks, holdBot, type IndexedChunk, indexChunk } from "./corpus.ts"
import { extractText, SourceProblem } from "./extract.ts"
import { checkFile } from "./file-type.ts"
import { detectLanguage, type Language } from "./language.ts"
import { readOriginal, type SourceRow } from "./queries.ts"
import { orderLanguages } from "./search.ts"

// Guarantees: killed at any step, an ingest leaves either nothing or everything. Chunks, counts and
// `ready` are one transaction (so a source that is not ready never has chunks), which first checks that the source is still there and that this very
// attempt still owns it; an attempt that was overtaken writes nothing.

const maxAttempts = 3
/** After so long without a sign of life another worker may take a source over. */
export const idleSeconds = 30
const maxChunks = 5_000
const chunksPerBreath = 50

const givenUp =
  "Reading this failed three times. Try again; if it fails once more, split it into smaller parts."
const tooMuchText =
  "This holds more text than one source can take. Split it into smaller parts and add those."

/** `gone`: deleted meanwhile. `taken`: another worker is at it. */
export type IngestOutcome = "ready" | "failed" | "gone" | "taken"

export type IngestOptions = {
  /** True when the queue knows that the worker which had this source is dead. */
  isTakeover?: boolean
  signal?: AbortSignal
}

/**
 * Turns one queued source into chunks. Throws only for passing trouble (database away, process
 * stopping), after which it may be called again; everything else ends in `ready` or `failed`.
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
  try {
    const chunks = await readSource(scope, claim, options)
    return (await publish(scope, claim.source, chunks)) ? "ready" : "gone"
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error
    await markFailed(scope, claim.source, error.message)
    return "failed"
  }
}

type Claim = { source: SourceRow; bytes: Uint8Array; languages: Language[]; locale: string | null }

/** Marks the source as this attempt's own. The attempt number is the proof: only the newest may write. */
async function claimSource(
  scope: TenantScope,
  sourceId: string,
  { isTakeover }: IngestOptions,
): Promise<Claim | IngestOutcome> {
  return withTenant(scope, async (tx) => {
    await tx.$queryRaw`select 1 from sources where id = ${sourceId} for update`
    const source = await tx.source.findFirst({ where: { id: sourceId } })
    if (!source) return "gone"
    if (source.status !== "queued" && source.status !== "processing") return "taken"
    const idleMs = Date.now() - source.updatedAt.getTime()
    if (source.status === "processing" && !isTakeover && idleMs < idleSeconds * 1_000) {
      return "taken"
    }
    if (source.attempts >= maxAttempts) {
      await tx.source.update({
        where: { id: sourceId },
        data: { status: "failed", error: givenUp },
      })
      return "failed"
    }
    const claimed = await tx.source.update({
      where: { id: sourceId },
      data: { status: "processing", progress: 5, attempts: source.attempts + 1, error: null },
    })
    return { source: claimed, ...(await readBeginnings(tx, claimed)) }
  })
}

async function readBeginnings(tx: Tx, source: SourceRow) {
  const original = await tx.sourceOriginal.findFirst({ where: { sourceId: source.id } })
  const corpus = await tx.botCorpus.findFirst({ where: { botId: source.botId } })
  const bot = await tx.bot.findFirst({ where: { id: source.botId }, select: { locale: true } })
  return {
    bytes: original?.bytes ?? new Uint8Array(),
    languages: orderLanguages(corpus?.languages),
    locale: bot?.locale ?? null,
  }
}

async function readSource(
  scope: TenantScope,
  claim: Claim,
  options: IngestOptions,
): Promise<IndexedChunk[]> {
  const chunks = await readChunks(claim, options)
  if (chunks.length > maxChunks) throw new SourceProblem(tooMuchText)
  const language = chooseLanguage(chunks, claim)
  const title = claim.source.kind === "qa" ? "" : claim.source.title
  const indexed: IndexedChunk[] = []
  let reportedAt = claim.source.updatedAt.getTime()
  for (const [i, chunk] of chunks.entries()) {
    if (i % chunksPerBreath === 0) {
      // Lets heartbeats and a stop signal through while a long text is worked on.
      await nextTick()
      options.signal?.throwIfAborted()
      if (Date.now() - reportedAt > 1_000) {
        await report(scope, claim.source, 40 + Math.floor((50 * i) / chunks.length))
        reportedAt = Date.now()
      }
    }
    indexed.push(indexChunk(title, chunk, language))
  }
  return indexed
}

async function readChunks({ source, bytes }: Claim, { signal }: IngestOptions): Promise<Chunk[]> {
  if (source.kind === "qa") {
    const [question, answer] = readOriginal("qa", bytes) as [string, string]
    return chunkQuestion(question, answer)
  }
  const type = source.kind === "file" ? checkFile(bytes, source.fileName ?? "") : "text"
  const { pages, pairs } = await extractText(type, bytes, { signal })
  // An import of questions stays one source, and each of its pairs one passage.
  return pairs
    ? pairs.flatMap(({ question, answer }) => chunkPair(question, answer))
    : chunkText(pages)
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

/** Progress is also the sign of life. It never touches a source that another attempt owns by now. */
async function report(scope: TenantScope, source: SourceRow, progress: number): Promise<void> {
  await withTenant(scope, (tx) =>
    tx.source.updateMany({ where: ownedBy(source), data: { progress } }),
  )
}

async function markFailed(scope: TenantScope, source: SourceRow, sentence: string): Promise<void> {
  await withTenant(scope, (tx) =>
    tx.source.updateMany({
      where: ownedBy(source),
      data: { status: "failed", error: sentence, progress: 100 },
    }),
  )
}

function ownedBy({ id, attempts }: SourceRow) {
  return { id, attempts, status: "processing" }
}

/** False when the source was deleted, or another attempt took it over: then nothing is written. */
async function publish(
  scope: TenantScope,
  source: SourceRow,
  chunks: IndexedChunk[],
): Promise<boolean> {
  const owner = { tenantId: scope.tenantId, botId: source.botId, sourceId: source.id }
  return withTenant(scope, async (tx) => {
    if (!(await holdBot(tx, source.botId))) return false
    await tx.$queryRaw`select 1 from sources where id = ${source.id} for update`
    const owned = await tx.source.findFirst({ where: ownedBy(source), select: { id: true } })
    if (!owned) return false
    await addChunks(tx, owner, chunks)
    await tx.source.update({
      where: { id: source.id },
      data: { status: "ready", progress: 100, chunkCount: chunks.length },
    })
    return true
  })
}
