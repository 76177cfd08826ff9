import { json, route } from "#lib/http/route.ts"
import { listCrawls } from "#lib/knowledge/queries.ts"

export const GET = route({
  auth: "member",
  permission: "knowledge.read",
  handle: async ({ scope, params }) => json(await listCrawls(scope, params.bot!)),
})
