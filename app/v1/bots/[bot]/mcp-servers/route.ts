import { z } from "zod"
import { json, route } from "#lib/http/route.ts"
import { listServers } from "#lib/tools/queries.ts"
import { createServerInput, serverView } from "#lib/tools/schema.ts"
import { addServer } from "#lib/tools/servers.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List the MCP servers of a bot, with the tools that each offers",
  response: z.strictObject({ data: z.array(serverView), nextCursor: z.null() }),
  permission: "bots.read",
  handle: async ({ scope, params }) =>
    json({ data: await listServers(scope, params.bot!), nextCursor: null }),
})

export const POST = route({
  auth: "apiKey",
  summary: "Add an MCP server and read its tools; none of them is allowed by that",
  response: serverView,
  status: 201,
  permission: "bots.write",
  body: createServerInput,
  handle: async ({ scope, params, body }) => json(await addServer(scope, params.bot!, body), 201),
})
