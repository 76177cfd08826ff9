import { json, route } from "#lib/http/route.ts"
import { createLead } from "#lib/leads/commands.ts"
import { createLeadInput } from "#lib/leads/schema.ts"
import { takeLeadRates } from "#lib/limits/chat.ts"
import { rateHeaders } from "#lib/limits/rates.ts"

export const POST = route({
  auth: "session",
  permission: "chat.send",
  body: createLeadInput,
  handle: async ({ scope, body, ip }) => {
    const rate = await takeLeadRates(scope, ip)
    return json(await createLead(scope, body), 201, rateHeaders(rate))
  },
})
