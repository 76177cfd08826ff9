import { z } from "zod"
import { json, route } from "#lib/http/route.ts"
import { addCrawl } from "#lib/knowledge/crawl-commands.ts"
import { listCrawls } from "#lib/knowledge/queries.ts"
import { addCrawlInput, crawlView } from "#lib/knowledge/schema.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List the websites that a bot reads",
  response: z.strictObject({ data: z.array(crawlView) }),
  permission: "knowledge.read",
  handle: async ({ scope, params }) => json(await listCrawls(scope, params.bot!)),
})

export const POST = route({
  auth: "apiKey",
  summary: "Read a whole website, once or by a schedule; its pages are sources",
  response: crawlView,
  status: 202,
  permission: "knowledge.write",
  rate: "crawl.tenant",
  body: addCrawlInput,
  handle: async ({ scope, params, body }) => json(await addCrawl(scope, params.bot!, body), 202),
})
