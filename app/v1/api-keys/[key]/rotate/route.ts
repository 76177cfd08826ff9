import { json, route } from "#lib/http/route.ts"
import { rotateApiKey } from "#lib/keys/api-keys.ts"
import { newApiKeyView, rotateInput } from "#lib/keys/schema.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Rotate an API key; the new secret stands in this answer alone",
  response: newApiKeyView,
  permission: "apiKeys.write",
  body: rotateInput,
  handle: async ({ scope, params, body }) => json(await rotateApiKey(scope, params.key!, body)),
})
