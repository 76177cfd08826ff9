import { json, route } from "#lib/http/route.ts"
import { createEmbedKey } from "#lib/keys/commands.ts"
import { listEmbedKeys } from "#lib/keys/queries.ts"
import { createEmbedKeyInput, embedKeyView } from "#lib/keys/schema.ts"
import { pageInput, pageOf } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List the embed keys of a bot",
  response: pageOf(embedKeyView),
  permission: "keys.read",
  query: pageInput,
  handle: async ({ scope, params, query }) => json(await listEmbedKeys(scope, params.bot!, query)),
})

export const POST = route({
  auth: "apiKey",
  summary: "Create an embed key",
  response: embedKeyView,
  status: 201,
  permission: "keys.write",
  body: createEmbedKeyInput,
  handle: async ({ scope, params, body }) =>
    json(await createEmbedKey(scope, params.bot!, body), 201),
})
