import { json, route, type UploadedFile } from "#lib/http/route.ts"
import { addFileSource } from "#lib/knowledge/add-sources.ts"
import { listSources } from "#lib/knowledge/queries.ts"
import { maxFileBytes } from "#lib/knowledge/schema.ts"
import { pageInput } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "member",
  permission: "knowledge.read",
  query: pageInput,
  handle: async ({ scope, params, query }) => json(await listSources(scope, params.bot!, query)),
})

export const POST = route({
  auth: "member",
  permission: "knowledge.write",
  fileBytes: maxFileBytes,
  handle: async ({ scope, params, body }) => {
    const { file } = body as { file: UploadedFile }
    return json(await addFileSource(scope, params.bot!, file), 202)
  },
})
