import { json, route } from "#lib/http/route.ts"
import { toolTrial, tryToolInput } from "#lib/tools/schema.ts"
import { tryTool } from "#lib/tools/try.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Call a tool with values of your own; one that writes really writes",
  response: toolTrial,
  permission: "bots.write",
  body: tryToolInput,
  handle: async ({ scope, params, body }) => json(await tryTool(scope, params.tool!, body.values)),
})
