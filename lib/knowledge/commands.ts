import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { cleanText, cleanTitle } from "./clean.ts"
import { holdBot, removeChunks } from "./corpus.ts"
import { checkFile, mediaTypes } from "./file-type.ts"
import { requireSource, type SourceRow, toSourceView } from "./queries.ts"
import {
  type AddQuestionSourceInput,
  type AddSourceInput,
  type AddTextSourceInput,
  addQuestionSourceInput,
  addTextSourceInput,
  type SourceView,
} from "./schema.ts"

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
  kind: "file" | "text" | "qa"
  title: string
  bytes: Uint8Array
  fileName: string | null
  mediaType: string
}

/** Adds whichever of the two the input is. */
export async function addSource(
  scope: TenantScope,
  botId: string,
  input: AddSourceInput,
): Promise<SourceView> {
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

/** Deletes a source with its original and everything learned from it, in one transaction. */
export async function deleteSource(scope: TenantScope, sourceId: string): Promise<void> {
  allow(scope, "knowledge.write")
  await withTenant(scope, async (tx) => {
    const source = await lockSource(tx, sourceId)
    await removeChunks(tx, { tenantId: scope.tenantId, botId: source.botId, sourceId })
    await tx.source.delete({ where: { id: sourceId } })
    await record(tx, scope, {
      action: "source.deleted",
      target: sourceId,
      before: { botId: source.botId, kind: source.kind, title: source.title },
    })
  })
}

/** Queues a failed source once more, with all its attempts. Throws `conflict` unless it has failed. */
export async function retrySource(scope: TenantScope, sourceId: string): Promise<SourceView> {
  allow(scope, "knowledge.write")
  return withTenant(scope, async (tx) => {
    const source = await lockSource(tx, sourceId)
    if (source.status !== "failed") {
      throw fail("conflict", "Only a source that failed can be tried again.")
    }
    const row = await tx.source.update({
      where: { id: sourceId },
      data: { status: "queued", progress: 0, attempts: 0, error: null },
    })
    await record(tx, scope, { action: "source.retried", target: sourceId })
    await announce(tx, sourceId)
    return toSourceView(row)
  })
}

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
