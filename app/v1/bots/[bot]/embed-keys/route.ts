import { json, route } from "#lib/http/route.ts"
import { createEmbedKey } from "#lib/keys/commands.ts"
import { listEmbedKeys } from "#lib/keys/queries.ts"
import { createEmbedKeyInput } from "#lib/keys/schema.ts"
import { pageInput } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  permission: "keys.read",
  query: pageInput,
  handle: async ({ scope, params, query }) => json(await listEmbedKeys(scope, params.bot!, query)),
})

export const POST = route({
  auth: "apiKey",
  permission: "keys.write",
  body: createEmbedKeyInput,
  handle: async ({ scope, params, body }) =>
    json(await createEmbedKey(scope, params.bot!, body), 201),
})
