import { json, noContent, route } from "#lib/http/route.ts"
import { deleteTool, updateTool } from "#lib/tools/commands.ts"
import { getTool } from "#lib/tools/queries.ts"
import { toolView, updateToolInput } from "#lib/tools/schema.ts"

export const GET = route({
  auth: "apiKey",
  summary: "Get a tool; the values of its headers are never shown",
  response: toolView,
  permission: "bots.read",
  handle: async ({ scope, params }) => json(await getTool(scope, params.tool!)),
})

export const PATCH = route({
  auth: "apiKey",
  summary: "Change a tool",
  response: toolView,
  permission: "bots.write",
  body: updateToolInput,
  handle: async ({ scope, params, body }) => json(await updateTool(scope, params.tool!, body)),
})

export const DELETE = route({
  auth: "apiKey",
  summary: "Delete a tool",
  status: 204,
  permission: "bots.write",
  handle: async ({ scope, params }) => {
    await deleteTool(scope, params.tool!)
    return noContent()
  },
})
