import { json, route } from "#lib/http/route.ts"
import { serverView } from "#lib/tools/schema.ts"
import { refreshServer } from "#lib/tools/servers.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Read the tools of an MCP server again; one that changed has to be allowed again",
  response: serverView,
  permission: "bots.write",
  handle: async ({ scope, params }) => json(await refreshServer(scope, params.server!)),
})
