import { record } from "#lib/audit/record.ts"
import { Failure, fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { vetOutbound } from "#lib/outbound/fetch.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { cleanText, cleanTitle } from "./clean.ts"
import { type FileInput, retrySource, updateSource } from "./commands.ts"
import { holdBot } from "./corpus.ts"
import { readPlainUrl } from "./crawl.ts"
import { checkFile, mediaTypes } from "./file-type.ts"
import { announce, holdQuota, parse } from "./hold.ts"
import { toSourceView } from "./queries.ts"
import {
  type AddedPages,
  type AddPageSourceInput,
  type AddPageSourcesInput,
  type AddQuestionSourceInput,
  type AddSourceInput,
  type AddTextSourceInput,
  addPageSourceInput,
  addPageSourcesInput,
  addQuestionSourceInput,
  addTextSourceInput,
  type Schedule,
  type SourceView,
} from "./schema.ts"
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
  schedule?: Schedule
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
  const { url: address, schedule } = parse(addPageSourceInput, input)
  await vet(address, { allowsHttp: true })
  const url = normalizeUrl(address)
  if (!url) throw fail("url_not_allowed")
  const known = await withTenant(scope, (tx) =>
    tx.source.findFirst({ where: { botId, kind: "page", url } }),
  )
  if (known) {
    if (!known.crawlId && known.schedule !== schedule) {
      await updateSource(scope, known.id, { schedule })
    }
    return retrySource(scope, known.id)
  }
  return storeSource(scope, botId, {
    kind: "page",
    title: readPlainUrl(url),
    url,
    schedule,
    bytes: new Uint8Array(),
    fileName: null,
    mediaType: "text/html",
  })
}

const refusals: Partial<Record<string, string>> = {
  invalid: "Not the address of a web page.",
  url_not_allowed: "Not the address of a public web page.",
  conflict: "Your account has no room for it now. Add it later.",
}

/** Adds several pages. One that is refused says why, and stops none of the others. */
export async function addPageSources(
  scope: TenantScope,
  botId: string,
  input: AddPageSourcesInput,
  vet: typeof vetOutbound = vetOutbound,
): Promise<AddedPages> {
  const { urls, schedule } = parse(addPageSourcesInput, input)
  const pages: AddedPages = { added: [], refused: [] }
  for (const url of urls) {
    try {
      pages.added.push(await addPageSource(scope, botId, { url, schedule }, vet))
    } catch (error) {
      const reason = error instanceof Failure ? refusals[error.code] : undefined
      // Of a single page the problem itself is the answer.
      if (!reason || urls.length === 1) throw error
      pages.refused.push({ url, reason })
    }
  }
  return pages
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
