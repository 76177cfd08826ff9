import { json, noContent, route } from "#lib/http/route.ts"
import { deleteSource } from "#lib/knowledge/commands.ts"
import { getSource } from "#lib/knowledge/queries.ts"

export const GET = route({
  auth: "apiKey",
  permission: "knowledge.read",
  handle: async ({ scope, params }) => json(await getSource(scope, params.source!)),
})

export const DELETE = route({
  auth: "apiKey",
  permission: "knowledge.write",
  handle: async ({ scope, params }) => {
    await deleteSource(scope, params.source!)
    return noContent()
  },
})
