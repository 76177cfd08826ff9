import { createBot } from "#lib/bots/commands.ts"
import { listBots } from "#lib/bots/queries.ts"
import { createBotInput } from "#lib/bots/schema.ts"
import { json, route } from "#lib/http/route.ts"
import { pageInput } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  permission: "bots.read",
  query: pageInput,
  handle: async ({ scope, query }) => json(await listBots(scope, query)),
})

export const POST = route({
  auth: "apiKey",
  permission: "bots.write",
  body: createBotInput,
  handle: async ({ scope, body }) => json(await createBot(scope, body), 201),
})
