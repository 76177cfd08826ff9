import { json, route } from "#lib/http/route.ts"
import { stopCrawl } from "#lib/knowledge/crawl-commands.ts"
import { crawlView } from "#lib/knowledge/schema.ts"

export const POST = route({
  auth: "apiKey",
  summary: "Stop reading a website; pages that are read stay",
  response: crawlView,
  permission: "knowledge.write",
  handle: async ({ scope, params }) => json(await stopCrawl(scope, params.crawl!)),
})
