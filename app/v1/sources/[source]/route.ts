import { json, noContent, route, type UploadedFile } from "#lib/http/route.ts"
import { deleteSource, replaceSource, updateSource } from "#lib/knowledge/commands.ts"
import { getSource } from "#lib/knowledge/queries.ts"
import {
  maxFileBytes,
  replaceSourceInput,
  sourceView,
  updateSourceInput,
} from "#lib/knowledge/schema.ts"

export const GET = route({
  auth: "apiKey",
  summary: "Get a source and its progress",
  response: sourceView,
  permission: "knowledge.read",
  handle: async ({ scope, params }) => json(await getSource(scope, params.source!)),
})

export const PUT = route({
  auth: "apiKey",
  summary: "Replace a source by its next version; the earlier one answers until that is read",
  response: sourceView,
  status: 202,
  permission: "knowledge.write",
  fileBytes: maxFileBytes,
  body: replaceSourceInput,
  bodyBytes: 8 * 1024 * 1024,
  handle: async ({ scope, params, body }) => {
    const next = "file" in body ? { file: body.file as UploadedFile } : body
    return json(await replaceSource(scope, params.source!, next), 202)
  },
})

export const PATCH = route({
  auth: "apiKey",
  summary: "Change what visitors see of a source, or when a single web page is read again",
  response: sourceView,
  permission: "knowledge.write",
  body: updateSourceInput,
  handle: async ({ scope, params, body }) => json(await updateSource(scope, params.source!, body)),
})

export const DELETE = route({
  auth: "apiKey",
  summary: "Delete a source; it stops answering at once",
  status: 204,
  permission: "knowledge.write",
  handle: async ({ scope, params }) => {
    await deleteSource(scope, params.source!)
    return noContent()
  },
})
