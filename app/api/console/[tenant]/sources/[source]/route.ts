import { json, route, type UploadedFile } from "#lib/http/route.ts"
import { replaceSource } from "#lib/knowledge/commands.ts"
import { maxFileBytes } from "#lib/knowledge/schema.ts"

export const POST = route({
  auth: "member",
  permission: "knowledge.write",
  fileBytes: maxFileBytes,
  handle: async ({ scope, params, body }) => {
    const { file } = body as { file: UploadedFile }
    return json(await replaceSource(scope, params.source!, { file }), 202)
  },
})
