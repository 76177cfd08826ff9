import { json, route } from "#lib/http/route.ts"
import { rotateEmbedKey } from "#lib/keys/commands.ts"
import { embedKeyView, rotateInput } from "#lib/keys/schema.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Rotate an embed key; the old line works for overlapSeconds more",
  response: embedKeyView,
  permission: "keys.write",
  body: rotateInput,
  handle: async ({ scope, params, body }) => json(await rotateEmbedKey(scope, params.key!, body)),
})
