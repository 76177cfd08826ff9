import { z } from "zod"
import { json, route, type UploadedFile } from "#lib/http/route.ts"
import { addFileSource, addSource } from "#lib/knowledge/add-sources.ts"
import { listSources } from "#lib/knowledge/queries.ts"
import { addSourceInput, maxFileBytes, sourceStatuses, sourceView } from "#lib/knowledge/schema.ts"
import { pageInput, pageOf } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List the sources of a bot",
  response: pageOf(sourceView),
  permission: "knowledge.read",
  query: pageInput.extend({ status: z.enum(sourceStatuses).optional() }),
  handle: async ({ scope, params, query }) => json(await listSources(scope, params.bot!, query)),
})

export const POST = route({
  auth: "apiKey",
  summary:
    "Add a source: a text, a question with its answer, a web page by its url, or a file (multipart)",
  response: sourceView,
  status: 202,
  permission: "knowledge.write",
  fileBytes: maxFileBytes,
  body: addSourceInput,
  bodyBytes: 8 * 1024 * 1024,
  handle: async ({ scope, params, body }) => {
    const bot = params.bot!
    if ("file" in body) return json(await addFileSource(scope, bot, body.file as UploadedFile), 202)
    return json(await addSource(scope, bot, body), 202)
  },
})
