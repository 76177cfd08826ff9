import { noContent, route } from "#lib/http/route.ts"
import { deleteApiKey } from "#lib/keys/api-keys.ts"

export const DELETE = route({
  auth: "apiKey",
  summary: "Delete an API key",
  status: 204,
  permission: "apiKeys.write",
  handle: async ({ scope, params }) => {
    await deleteApiKey(scope, params.key!)
    return noContent()
  },
})
