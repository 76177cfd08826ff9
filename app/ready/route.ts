import { json, route } from "#lib/http/route.ts"
import { hasWorker, requireDatabase } from "#lib/tenancy/directory.ts"

/** Without the database nothing is served. Without a worker visitors are; new sources wait until it is back. */
export const GET = route({
  auth: "public",
  handle: async () => {
    await requireDatabase()
    return json({ status: "ready", worker: (await hasWorker()) ? "ready" : "away" })
  },
})
