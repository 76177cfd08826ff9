import { z } from "zod"
import { json, route } from "#lib/http/route.ts"
import { listLeads } from "#lib/leads/queries.ts"
import { leadView } from "#lib/leads/schema.ts"
import { pageInput, pageOf } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List leads",
  response: pageOf(leadView),
  permission: "leads.read",
  query: pageInput.extend({ botId: z.string().optional() }),
  handle: async ({ scope, query }) => json(await listLeads(scope, query)),
})
