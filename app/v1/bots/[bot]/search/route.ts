import { requireBotId } from "#lib/bots/queries.ts"
import { json, route } from "#lib/http/route.ts"
import { searchAnswer, searchInput } from "#lib/knowledge/schema.ts"
import { searchKnowledge } from "#lib/knowledge/search.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Search the knowledge of a bot",
  response: searchAnswer,
  permission: "knowledge.read",
  rate: "search.tenant",
  body: searchInput,
  handle: async ({ scope, params, body }) => {
    const botId = await requireBotId(scope, params.bot!)
    const { passages } = await searchKnowledge(scope, botId, body.query, body.limit)
    return json({
      data: passages.map(({ chunkId, sourceId, title, text, score }) => ({
        chunkId,
        sourceId,
        title,
        text,
        score,
      })),
    })
  },
})
