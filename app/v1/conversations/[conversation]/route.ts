import { getConversation } from "#lib/conversations/queries.ts"
import { conversationThread } from "#lib/conversations/schema.ts"
import { json, route } from "#lib/http/route.ts"

export const GET = route({
  auth: "apiKey",
  summary: "Get a conversation with its messages",
  response: conversationThread,
  permission: "conversations.read",
  handle: async ({ scope, params }) => json(await getConversation(scope, params.conversation!)),
})
