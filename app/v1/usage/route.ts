import { z } from "zod"
import { getUsage } from "#lib/billing/queries.ts"
import { usageView } from "#lib/billing/schema.ts"
import { json, route } from "#lib/http/route.ts"

export const GET = route({
  auth: "apiKey",
  summary: "What the models used, by day and bot",
  response: usageView,
  permission: "usage.read",
  query: z.object({ days: z.coerce.number().int().min(1).max(366).default(30) }),
  handle: async ({ scope, query }) => json(await getUsage(scope, query)),
})
