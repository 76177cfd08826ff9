import { z } from "zod"
import { json, route } from "#lib/http/route.ts"
import { listLeads } from "#lib/leads/queries.ts"
import { pageInput } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  permission: "leads.read",
  query: pageInput.extend({ botId: z.string().optional() }),
  handle: async ({ scope, query }) => json(await listLeads(scope, query)),
})
