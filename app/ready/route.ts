import { json, route } from "#lib/http/route.ts"
import { requireDatabase } from "#lib/tenancy/directory.ts"

export const GET = route({
  auth: "public",
  handle: async () => {
    await requireDatabase()
    return json({ status: "ready" })
  },
})
