import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { cleanText, cleanTitle } from "./clean.ts"
import { removeChunks } from "./corpus.ts"
import { settleCrawl } from "./crawl.ts"
import { checkFile, mediaTypes } from "./file-type.ts"
import { announce, holdQuota, lockSource, parse, requeued } from "./hold.ts"
import { toSourceView } from "./queries.ts"
import {
  addQuestionSourceInput,
  addTextSourceInput,
  type ReplaceSourceInput,
  type SourceView,
  type UpdateSourceInput,
  updateSourceInput,
} from "./schema.ts"
import { dropPending, nextRunAt } from "./settle.ts"

// What happens to a source after it was added; adding is add-sources.ts.

export type FileInput = { fileName: string; mediaType: string; bytes: Uint8Array }

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
    const source = await lockSource(tx, sourceId)
    await holdQuota(tx, scope, next.bytes.length, false)
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
        nextRunAt: nextRunAt(source.schedule, new Date()),
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

/**
 * Changes what visitors see of a source, or when a single page is read again; both act at once. Throws
 * `conflict` for a schedule of what is no single page.
 */
export async function updateSource(
  scope: TenantScope,
  sourceId: string,
  input: UpdateSourceInput,
): Promise<SourceView> {
  allow(scope, "knowledge.write")
  const { visibility, schedule } = parse(updateSourceInput, input)
  return withTenant(scope, async (tx) => {
    const source = await lockSource(tx, sourceId)
    if (schedule && (source.kind !== "page" || source.crawlId)) {
      throw fail("conflict", "Only a single web page has a schedule of its own.")
    }
    const changes = { ...(visibility ? { visibility } : {}), ...(schedule ? { schedule } : {}) }
    const row = await tx.source.update({
      where: { id: sourceId },
      data: {
        ...changes,
        ...(schedule ? { nextRunAt: nextRunAt(schedule, source.checkedAt) } : {}),
      },
    })
    await record(tx, scope, {
      action: "source.updated",
      target: sourceId,
      before: { visibility: source.visibility, schedule: source.schedule },
      after: changes,
    })
    return toSourceView(row)
  })
}
