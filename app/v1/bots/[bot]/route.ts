import { deleteBot, updateBot } from "#lib/bots/commands.ts"
import { getBot } from "#lib/bots/queries.ts"
import { botView, updateBotInput } from "#lib/bots/schema.ts"
import { json, noContent, route } from "#lib/http/route.ts"

export const GET = route({
  auth: "apiKey",
  summary: "Get a bot",
  response: botView,
  permission: "bots.read",
  handle: async ({ scope, params }) => json(await getBot(scope, params.bot!)),
})

export const PATCH = route({
  auth: "apiKey",
  summary: "Change a bot; published: true puts it live",
  response: botView,
  permission: "bots.write",
  body: updateBotInput,
  handle: async ({ scope, params, body }) => json(await updateBot(scope, params.bot!, body)),
})

export const DELETE = route({
  auth: "apiKey",
  summary: "Delete a bot with everything in it",
  status: 204,
  permission: "bots.delete",
  handle: async ({ scope, params }) => {
    await deleteBot(scope, params.bot!)
    return noContent()
  },
})
