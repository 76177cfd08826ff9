import { z } from "zod"
import { findLook } from "#lib/admission/tickets.ts"
import { json, route } from "#lib/http/route.ts"

export const GET = route({
  auth: "public",
  query: z.object({ key: z.string().max(200).default(""), botId: z.string().max(60).optional() }),
  headers: { "access-control-allow-origin": "*" },
  handle: async ({ query }) => json(await findLook(query.key, query.botId)),
})
