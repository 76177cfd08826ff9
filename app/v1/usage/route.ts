import { z } from "zod"
import { getUsage } from "#lib/billing/queries.ts"
import { json, route } from "#lib/http/route.ts"

export const GET = route({
  auth: "apiKey",
  permission: "usage.read",
  query: z.object({ days: z.coerce.number().int().min(1).max(366).default(30) }),
  handle: async ({ scope, query }) => json(await getUsage(scope, query)),
})
