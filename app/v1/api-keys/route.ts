import { json, route } from "#lib/http/route.ts"
import { createApiKey } from "#lib/keys/api-keys.ts"
import { listApiKeys } from "#lib/keys/queries.ts"
import { apiKeyView, createApiKeyInput, newApiKeyView } from "#lib/keys/schema.ts"
import { pageInput, pageOf } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List API keys, without their secrets",
  response: pageOf(apiKeyView),
  permission: "apiKeys.read",
  query: pageInput,
  handle: async ({ scope, query }) => json(await listApiKeys(scope, query)),
})

export const POST = route({
  auth: "apiKey",
  summary: "Create an API key; the secret stands in this answer alone",
  response: newApiKeyView,
  status: 201,
  permission: "apiKeys.write",
  body: createApiKeyInput,
  handle: async ({ scope, body }) => json(await createApiKey(scope, body), 201),
})
