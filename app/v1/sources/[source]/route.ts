import { json, noContent, route } from "#lib/http/route.ts"
import { deleteSource } from "#lib/knowledge/commands.ts"
import { getSource } from "#lib/knowledge/queries.ts"
import { sourceView } from "#lib/knowledge/schema.ts"

export const GET = route({
  auth: "apiKey",
  summary: "Get a source and its progress",
  response: sourceView,
  permission: "knowledge.read",
  handle: async ({ scope, params }) => json(await getSource(scope, params.source!)),
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
