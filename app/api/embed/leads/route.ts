import { json, route } from "#lib/http/route.ts"
import { createLead } from "#lib/leads/commands.ts"
import { createLeadInput } from "#lib/leads/schema.ts"
import { rateHeaders, takeRates } from "#lib/limits/rates.ts"

export const POST = route({
  auth: "session",
  permission: "chat.send",
  body: createLeadInput,
  handle: async ({ scope, body, ip }) => {
    const rate = await takeRates([
      { rate: "lead.ip", subject: `${scope.visitor.keyId}:${ip}` },
      { rate: "lead.key", subject: scope.visitor.keyId },
    ])
    return json(await createLead(scope, body), 201, rateHeaders(rate))
  },
})
