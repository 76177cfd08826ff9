import { noContent, route } from "#lib/http/route.ts"
import { acceptSource } from "#lib/quality/held.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Put a held source live although golden questions get worse",
  status: 204,
  permission: "knowledge.write",
  handle: async ({ scope, params }) => {
    await acceptSource(scope, params.source!)
    return noContent()
  },
})
