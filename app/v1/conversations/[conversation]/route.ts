import { getConversation } from "#lib/conversations/queries.ts"
import { json, route } from "#lib/http/route.ts"

export const GET = route({
  auth: "apiKey",
  permission: "conversations.read",
  handle: async ({ scope, params }) => json(await getConversation(scope, params.conversation!)),
})
