import { noContent, route } from "#lib/http/route.ts"
import { discardSource } from "#lib/quality/held.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Discard what is held of a source; an earlier version stays in use, a new source goes",
  status: 204,
  permission: "knowledge.write",
  handle: async ({ scope, params }) => {
    await discardSource(scope, params.source!)
    return noContent()
  },
})
