import { z } from "zod"
import { json, route } from "#lib/http/route.ts"
import { createTenantApiKey } from "#lib/operator/commands.ts"

export const POST = route({
  auth: "operator",
  dialect: "operator",
  body: z.strictObject({ name: z.string().trim().min(1).max(60).default("Operator's key") }),
  handle: async ({ params, body, ip }) =>
    json(await createTenantApiKey(params.tenant!, body, ip), 201),
})
