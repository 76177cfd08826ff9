import { json, route } from "#lib/http/route.ts"
import { allowRemoteToolInput, serverView } from "#lib/tools/schema.ts"
import { allowRemoteTool } from "#lib/tools/servers.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Allow one tool of an MCP server, in the words that definitionHash stands for",
  response: serverView,
  permission: "bots.write",
  body: allowRemoteToolInput,
  handle: async ({ scope, params, body }) =>
    json(await allowRemoteTool(scope, params.server!, body)),
})
