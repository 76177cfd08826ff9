import { z } from "zod"
import { json, route } from "#lib/http/route.ts"
import { createTool } from "#lib/tools/commands.ts"
import { listTools } from "#lib/tools/queries.ts"
import { createToolInput, toolView } from "#lib/tools/schema.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List the tools of a bot",
  response: z.strictObject({ data: z.array(toolView), nextCursor: z.null() }),
  permission: "bots.read",
  handle: async ({ scope, params }) =>
    json({ data: await listTools(scope, params.bot!), nextCursor: null }),
})

export const POST = route({
  auth: "apiKey",
  summary: "Give a bot a tool; one that writes runs on the keys that allow it alone",
  response: toolView,
  status: 201,
  permission: "bots.write",
  body: createToolInput,
  handle: async ({ scope, params, body }) => json(await createTool(scope, params.bot!, body), 201),
})
