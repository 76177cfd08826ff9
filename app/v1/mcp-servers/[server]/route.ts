import { json, noContent, route } from "#lib/http/route.ts"
import { getServer } from "#lib/tools/queries.ts"
import { serverView, updateServerInput } from "#lib/tools/schema.ts"
import { deleteServer, updateServer } from "#lib/tools/servers.ts"

export const GET = route({
  auth: "apiKey",
  summary: "Get an MCP server; the values of its headers are never shown",
  response: serverView,
  permission: "bots.read",
  handle: async ({ scope, params }) => json(await getServer(scope, params.server!)),
})

export const PATCH = route({
  auth: "apiKey",
  summary: "Change an MCP server and read its tools again",
  response: serverView,
  permission: "bots.write",
  body: updateServerInput,
  handle: async ({ scope, params, body }) => json(await updateServer(scope, params.server!, body)),
})

export const DELETE = route({
  auth: "apiKey",
  summary: "Delete an MCP server with all its tools",
  status: 204,
  permission: "bots.write",
  handle: async ({ scope, params }) => {
    await deleteServer(scope, params.server!)
    return noContent()
  },
})
