import { z } from "zod"
import { listConversations } from "#lib/conversations/queries.ts"
import { conversationFilters, conversationView } from "#lib/conversations/schema.ts"
import { json, route } from "#lib/http/route.ts"
import { pageInput, pageOf } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List conversations, latest first",
  response: pageOf(conversationView),
  permission: "conversations.read",
  query: pageInput.extend({
    botId: z.string().optional(),
    filter: z.enum(conversationFilters).optional(),
  }),
  handle: async ({ scope, query }) => json(await listConversations(scope, query)),
})
