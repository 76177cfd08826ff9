import { json, noContent, route } from "#lib/http/route.ts"
import { deleteCrawl, updateCrawl } from "#lib/knowledge/crawl-commands.ts"
import { getCrawl } from "#lib/knowledge/queries.ts"
import { crawlView, updateCrawlInput } from "#lib/knowledge/schema.ts"

export const GET = route({
  auth: "apiKey",
  summary: "Get a website and its progress",
  response: crawlView,
  permission: "knowledge.read",
  handle: async ({ scope, params }) => json(await getCrawl(scope, params.crawl!)),
})

export const PATCH = route({
  auth: "apiKey",
  summary:
    "Change a website's schedule, what visitors see of its pages, or which paths are left out",
  response: crawlView,
  permission: "knowledge.write",
  body: updateCrawlInput,
  handle: async ({ scope, params, body }) => json(await updateCrawl(scope, params.crawl!, body)),
})

export const DELETE = route({
  auth: "apiKey",
  summary: "Delete a website with all its pages; they stop answering at once",
  status: 204,
  permission: "knowledge.write",
  handle: async ({ scope, params }) => {
    await deleteCrawl(scope, params.crawl!)
    return noContent()
  },
})
