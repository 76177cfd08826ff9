import { createBot } from "#lib/bots/commands.ts"
import { listBots } from "#lib/bots/queries.ts"
import { botView, createBotInput } from "#lib/bots/schema.ts"
import { json, route } from "#lib/http/route.ts"
import { pageInput, pageOf } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List bots",
  response: pageOf(botView),
  permission: "bots.read",
  query: pageInput,
  handle: async ({ scope, query }) => json(await listBots(scope, query)),
})

export const POST = route({
  auth: "apiKey",
  summary: "Create a bot",
  response: botView,
  status: 201,
  permission: "bots.write",
  body: createBotInput,
  handle: async ({ scope, body }) => json(await createBot(scope, body), 201),
})
