import { json, noContent, route } from "#lib/http/route.ts"
import { deleteEmbedKey, updateEmbedKey } from "#lib/keys/commands.ts"
import { getEmbedKey } from "#lib/keys/queries.ts"
import { embedKeyView, updateEmbedKeyInput } from "#lib/keys/schema.ts"

export const GET = route({
  auth: "apiKey",
  summary: "Get an embed key",
  response: embedKeyView,
  permission: "keys.read",
  handle: async ({ scope, params }) => json(await getEmbedKey(scope, params.key!)),
})

export const PATCH = route({
  auth: "apiKey",
  summary: "Change an embed key; status: disabled stops it on the next request",
  response: embedKeyView,
  permission: "keys.write",
  body: updateEmbedKeyInput,
  handle: async ({ scope, params, body }) => json(await updateEmbedKey(scope, params.key!, body)),
})

export const DELETE = route({
  auth: "apiKey",
  summary: "Delete an embed key",
  status: 204,
  permission: "keys.write",
  handle: async ({ scope, params }) => {
    await deleteEmbedKey(scope, params.key!)
    return noContent()
  },
})
