import { noContent, route } from "#lib/http/route.ts"
import { deleteApiKey } from "#lib/keys/api-keys.ts"

export const DELETE = route({
  auth: "apiKey",
  permission: "apiKeys.write",
  handle: async ({ scope, params }) => {
    await deleteApiKey(scope, params.key!)
    return noContent()
  },
})
