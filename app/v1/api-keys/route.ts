import { json, route } from "#lib/http/route.ts"
import { createApiKey } from "#lib/keys/api-keys.ts"
import { listApiKeys } from "#lib/keys/queries.ts"
import { createApiKeyInput } from "#lib/keys/schema.ts"
import { pageInput } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  permission: "apiKeys.read",
  query: pageInput,
  handle: async ({ scope, query }) => json(await listApiKeys(scope, query)),
})

export const POST = route({
  auth: "apiKey",
  permission: "apiKeys.write",
  body: createApiKeyInput,
  handle: async ({ scope, body }) => json(await createApiKey(scope, body), 201),
})
