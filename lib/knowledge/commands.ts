import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { vetOutbound } from "#lib/outbound/fetch.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { cleanText, cleanTitle } from "./clean.ts"
import { holdBot, removeChunks } from "./corpus.ts"
import { readPlainUrl, settleCrawl } from "./crawl.ts"
import { checkFile, mediaTypes } from "./file-type.ts"
import { requireSource, type SourceRow, toSourceView } from "./queries.ts"
import { quotas } from "./quotas.ts"
import {
  type AddPageSourceInput,
  type AddQuestionSourceInput,
  type AddSourceInput,
  type AddTextSourceInput,
  addPageSourceInput,
  addQuestionSourceInput,
  addTextSourceInput,
  type ReplaceSourceInput,
  type SourceView,
} from "./schema.ts"
import { dropPending } from "./settle.ts"
import { normalizeUrl } from "./site.ts"

/** Adds pasted text or Markdown. The view says `queued`: the worker reads it. */
export async function addTextSource(
  scope: TenantScope,
  botId: string,
  input: AddTextSourceInput,
): Promise<SourceView> {
  allow(scope, "knowledge.write")
  const { title, text } = parse(addTextSourceInput, input)
  const bytes = Buffer.from(cleanText(text), "utf8")
  return storeSource(scope, botId, {
    kind: "text",
    title: cleanTitle(title),
    bytes,
    fileName: null,
    mediaType: "text/markdown",
  })
}

/** Adds a question with its answer: one passage, found by the words of either. */
export async function addQuestionSource(
  scope: TenantScope,
  botId: string,
  input: AddQuestionSourceInput,
): Promise<SourceView> {
  allow(scope, "knowledge.write")
  const { question, answer } = parse(addQuestionSourceInput, input)
  const cleaned = { question: cleanTitle(question, 500), answer: cleanText(answer) }
  return storeSource(scope, botId, {
    kind: "qa",
    title: cleanTitle(question),
    bytes: Buffer.from(JSON.stringify(cleaned), "utf8"),
    fileName: null,
    mediaType: "application/json",
  })
}

export type FileInput = { fileName: string; mediaType: string; bytes: Uint8Array }

/**
 * Adds an uploaded file and keeps its original. Throws `too_large`, `unsupported_type` or `invalid`
 * (empty) at once, judged by the bytes; what parsing finds makes the source `failed`.
 */
export async function addFileSource(
  scope: TenantScope,
  botId: string,
  { fileName, bytes }: FileInput,
): Promise<SourceView> {
  allow(scope, "knowledge.write")
  const type = checkFile(bytes, fileName)
  return storeSource(scope, botId, {
    kind: "file",
    title: readTitle(fileName),
    bytes,
    fileName: cleanTitle(fileName, 255),
    // The browser's word is not kept: the type is what the bytes say.
    mediaType: mediaTypes[type],
  })
}

/** `C:\docs\returns-policy.PDF` is shown as "returns-policy". The stored name never becomes a path. */
function readTitle(fileName: string): string {
  const name = cleanTitle(fileName.slice(-1_000).split(/[\\/]/).at(-1) ?? "", 200)
  return (
    name
      .replace(/\.(?:pdf|md|markdown|txt|text|docx|pptx|xlsx|csv|tsv|html?|jsonl?|ndjson)$/i, "")
      .trim() || "Untitled file"
  )
}

type NewSource = {
  kind: "file" | "text" | "qa" | "page"
  title: string
  url?: string
  bytes: Uint8Array
  fileName: string | null
  mediaType: string
}

/**
 * Adds one web page. Throws `url_not_allowed` for what is no public address. A page that the bot has
 * already is read again instead.
 */
export async function addPageSource(
  scope: TenantScope,
  botId: string,
  input: AddPageSourceInput,
  vet: typeof vetOutbound = vetOutbound,
): Promise<SourceView> {
  allow(scope, "knowledge.write")
  const { url: address } = parse(addPageSourceInput, input)
  await vet(address, { allowsHttp: true })
  const url = normalizeUrl(address)
  if (!url) throw fail("url_not_allowed")
  const known = await withTenant(scope, (tx) =>
    tx.source.findFirst({ where: { botId, kind: "page", url }, select: { id: true } }),
  )
  if (known) return retrySource(scope, known.id)
  return storeSource(scope, botId, {
    kind: "page",
    title: readPlainUrl(url),
    url,
    bytes: new Uint8Array(),
    fileName: null,
    mediaType: "text/html",
  })
}

/** Adds whichever of them the input is. */
export async function addSource(
  scope: TenantScope,
  botId: string,
  input: AddSourceInput,
): Promise<SourceView> {
  if ("url" in input) return addPageSource(scope, botId, input)
  return "question" in input
    ? addQuestionSource(scope, botId, input)
    : addTextSource(scope, botId, input)
}

async function storeSource(
  scope: TenantScope,
  botId: string,
  { bytes, ...source }: NewSource,
): Promise<SourceView> {
  return withTenant(scope, async (tx) => {
    await holdQuota(tx, scope, bytes.length)
    if (!(await holdBot(tx, botId))) throw fail("not_found")
    const row = await tx.source.create({
      data: {
        id: newId("source"),
        tenantId: scope.tenantId,
        botId,
        ...source,
        byteSize: bytes.length,
      },
    })
    await tx.sourceOriginal.create({
      data: { sourceId: row.id, tenantId: scope.tenantId, bytes: Uint8Array.from(bytes) },
    })
    await record(tx, scope, {
      action: "source.added",
      target: row.id,
      after: { botId, kind: row.kind, title: row.title, byteSize: row.byteSize },
    })
    await announce(tx, row.id)
    return toSourceView(row)
  })
}

/** Room for one more source of so many bytes, held until this transaction ends: two never share a place. */
async function holdQuota(tx: Tx, scope: TenantScope, bytes: number, isNew = true): Promise<void> {
  await tx.$queryRaw`select 1 from tenants where id = ${scope.tenantId} for no key update`
  const [used] = await tx.$queryRaw<{ sources: number; unfinished: number; bytes: bigint }[]>`
    select count(*)::int as sources, coalesce(sum(byte_size), 0)::bigint as bytes,
      (count(*) filter (where status in ('queued', 'processing')))::int as unfinished
    from sources where tenant_id = ${scope.tenantId}`
  if (!used) return
  if (isNew && used.sources >= quotas.sources) {
    throw fail("conflict", "You have as many sources as one account may have. Delete some first.")
  }
  if (used.unfinished >= quotas.unfinishedSources) {
    throw fail(
      "conflict",
      "Many sources are still waiting to be read. Add more when they are done.",
    )
  }
  if (Number(used.bytes) + bytes > quotas.bytes) {
    throw fail("too_large", "Your files together are as large as they may be. Delete some first.")
  }
}

export type Replacement = { file: FileInput } | ReplaceSourceInput

/**
 * Gives a source its next version. The earlier one answers until the new one is read, and goes in the same
 * instant; if the new one cannot be read, it stays. Throws `conflict` for another kind of source.
 */
export async function replaceSource(
  scope: TenantScope,
  sourceId: string,
  input: Replacement,
): Promise<SourceView> {
  allow(scope, "knowledge.write")
  const next = readReplacement(input)
  return withTenant(scope, async (tx) => {
    await holdQuota(tx, scope, next.bytes.length, false)
    const source = await lockSource(tx, sourceId)
    if (source.kind !== next.kind) {
      throw fail("conflict", "A source can be replaced by one of its own kind alone.")
    }
    await tx.sourceOriginal.update({
      where: { sourceId },
      data: {
        pending: Uint8Array.from(next.bytes),
        pendingName: next.name,
        pendingType: next.mediaType,
      },
    })
    const row = await tx.source.update({
      where: { id: sourceId },
      data: { ...requeued, claim: source.claim + 1 },
    })
    await record(tx, scope, {
      action: "source.replaced",
      target: sourceId,
      before: { title: source.title, byteSize: source.byteSize },
      after: { byteSize: next.bytes.length },
    })
    await announce(tx, sourceId)
    return toSourceView(row)
  })
}

function readReplacement(input: Replacement) {
  if ("file" in input) {
    const { fileName, bytes } = input.file
    const type = checkFile(bytes, fileName)
    const name = cleanTitle(fileName, 255)
    return { kind: "file", bytes, name, mediaType: mediaTypes[type] }
  }
  if ("question" in input) {
    const { question, answer } = parse(addQuestionSourceInput, input)
    const cleaned = { question: cleanTitle(question, 500), answer: cleanText(answer) }
    const bytes = Buffer.from(JSON.stringify(cleaned), "utf8")
    return { kind: "qa", bytes, name: cleanTitle(question), mediaType: "application/json" }
  }
  const { title, text } = parse(addTextSourceInput, input)
  const bytes = Buffer.from(cleanText(text), "utf8")
  return { kind: "text", bytes, name: cleanTitle(title), mediaType: "text/markdown" }
}

/** A source with all its attempts before it. */
const requeued = {
  status: "queued",
  progress: 0,
  attempts: 0,
  error: null,
  notice: null,
  retryAt: null,
} as const

/**
 * Stops a source that waits or is being read. One that was read before goes back to that version. Throws
 * `conflict` when there is nothing to stop.
 */
export async function cancelSource(scope: TenantScope, sourceId: string): Promise<SourceView> {
  allow(scope, "knowledge.write")
  return withTenant(scope, async (tx) => {
    const source = await lockSource(tx, sourceId)
    if (source.status !== "queued" && source.status !== "processing") {
      throw fail("conflict", "This source is not being read.")
    }
    await dropPending(tx, sourceId)
    const isKnown = source.chunkCount > 0
    const row = await tx.source.update({
      where: { id: sourceId },
      data: {
        claim: source.claim + 1,
        attempts: 0,
        retryAt: null,
        ...(isKnown
          ? { status: "ready", progress: 100 }
          : { status: "failed", error: "You stopped the reading. Try again when you like." }),
      },
    })
    await record(tx, scope, { action: "source.stopped", target: sourceId })
    if (source.crawlId) await settleCrawl(tx, source.crawlId)
    return toSourceView(row)
  })
}

/** Deletes a source with its original and everything learned from it, in one transaction. */
export async function deleteSource(scope: TenantScope, sourceId: string): Promise<void> {
  allow(scope, "knowledge.write")
  await withTenant(scope, (tx) => dropSource(tx, scope, sourceId))
}

/** The same inside the caller's transaction. */
export async function dropSource(tx: Tx, scope: TenantScope, sourceId: string): Promise<void> {
  const source = await lockSource(tx, sourceId)
  await removeChunks(tx, { tenantId: scope.tenantId, botId: source.botId, sourceId })
  await tx.source.delete({ where: { id: sourceId } })
  await record(tx, scope, {
    action: "source.deleted",
    target: sourceId,
    before: { botId: source.botId, kind: source.kind, title: source.title },
  })
}

/**
 * Queues a failed source once more, with all its attempts; a web page also when it is ready, to read what
 * it says now. Throws `conflict` for others.
 */
export async function retrySource(scope: TenantScope, sourceId: string): Promise<SourceView> {
  allow(scope, "knowledge.write")
  return withTenant(scope, async (tx) => {
    const source = await lockSource(tx, sourceId)
    const isWaiting = source.status === "queued" || source.status === "processing"
    if (source.kind === "page" && isWaiting) return toSourceView(source)
    if (source.status !== "failed" && source.kind !== "page") {
      throw fail("conflict", "Only a source that failed can be tried again.")
    }
    const row = await tx.source.update({
      where: { id: sourceId },
      data: requeued,
    })
    await record(tx, scope, { action: "source.retried", target: sourceId })
    await announce(tx, sourceId)
    return toSourceView(row)
  })
}

/** A source, held with its bot until the transaction ends. Throws `not_found`. */
async function lockSource(tx: Tx, sourceId: string): Promise<SourceRow> {
  const { botId } = await requireSource(tx, sourceId)
  if (!(await holdBot(tx, botId))) throw fail("not_found")
  await tx.$queryRaw`select 1 from sources where id = ${sourceId} for update`
  // Read again: it may have changed, or gone, while we waited for the lock.
  return requireSource(tx, sourceId)
}

/**
 * Wakes the worker when this transaction commits. A notification that nobody hears costs seconds and
 * loses nothing: the queued row is the job, and the worker sweeps.
 */
async function announce(tx: Tx, sourceId: string): Promise<void> {
  await tx.$queryRaw`select pg_notify('source_queued', ${sourceId})::text`
}

type Schema<T> = {
  safeParse(
    input: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } }
}

function parse<T>(schema: Schema<T>, input: unknown): T {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw fail("invalid", {
    issues: parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message })),
  })
}
