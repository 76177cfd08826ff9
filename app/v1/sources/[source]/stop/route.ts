import { json, route } from "#lib/http/route.ts"
import { cancelSource } from "#lib/knowledge/commands.ts"
import { sourceView } from "#lib/knowledge/schema.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Stop reading a source; a version that was read before stays in use",
  response: sourceView,
  permission: "knowledge.write",
  handle: async ({ scope, params }) => json(await cancelSource(scope, params.source!)),
})
