import { env } from "#lib/env.ts"
import { type DescribedRoute, describeApi } from "#lib/http/openapi.ts"
import { json, type RouteContract, route } from "#lib/http/route.ts"
import * as rotateApiKey from "../api-keys/[key]/rotate/route.ts"
import * as apiKey from "../api-keys/[key]/route.ts"
import * as apiKeys from "../api-keys/route.ts"
import * as auditEvents from "../audit-events/route.ts"
import * as botCrawls from "../bots/[bot]/crawls/route.ts"
import * as embedKeys from "../bots/[bot]/embed-keys/route.ts"
import * as botServers from "../bots/[bot]/mcp-servers/route.ts"
import * as bot from "../bots/[bot]/route.ts"
import * as search from "../bots/[bot]/search/route.ts"
import * as sources from "../bots/[bot]/sources/route.ts"
import * as botTools from "../bots/[bot]/tools/route.ts"
import * as bots from "../bots/route.ts"
import * as conversation from "../conversations/[conversation]/route.ts"
import * as conversations from "../conversations/route.ts"
import * as crawl from "../crawls/[crawl]/route.ts"
import * as stopCrawl from "../crawls/[crawl]/stop/route.ts"
import * as rotateEmbedKey from "../embed-keys/[key]/rotate/route.ts"
import * as embedKey from "../embed-keys/[key]/route.ts"
import * as leads from "../leads/route.ts"
import * as serverRefresh from "../mcp-servers/[server]/refresh/route.ts"
import * as server from "../mcp-servers/[server]/route.ts"
import * as serverTools from "../mcp-servers/[server]/tools/route.ts"
import * as acceptSource from "../sources/[source]/accept/route.ts"
import * as discardSource from "../sources/[source]/discard/route.ts"
import * as source from "../sources/[source]/route.ts"
import * as stopSource from "../sources/[source]/stop/route.ts"
import * as tool from "../tools/[tool]/route.ts"
import * as toolTry from "../tools/[tool]/try/route.ts"
import * as usage from "../usage/route.ts"

type Handlers = Record<string, { contract: RouteContract }>

const table: Record<string, Handlers> = {
  "/v1/bots": bots,
  "/v1/bots/{bot}": bot,
  "/v1/bots/{bot}/sources": sources,
  "/v1/bots/{bot}/search": search,
  "/v1/bots/{bot}/embed-keys": embedKeys,
  "/v1/bots/{bot}/tools": botTools,
  "/v1/tools/{tool}": tool,
  "/v1/tools/{tool}/try": toolTry,
  "/v1/bots/{bot}/mcp-servers": botServers,
  "/v1/mcp-servers/{server}": server,
  "/v1/mcp-servers/{server}/refresh": serverRefresh,
  "/v1/mcp-servers/{server}/tools": serverTools,
  "/v1/sources/{source}": source,
  "/v1/sources/{source}/stop": stopSource,
  "/v1/sources/{source}/accept": acceptSource,
  "/v1/sources/{source}/discard": discardSource,
  "/v1/bots/{bot}/crawls": botCrawls,
  "/v1/crawls/{crawl}": crawl,
  "/v1/crawls/{crawl}/stop": stopCrawl,
  "/v1/embed-keys/{key}": embedKey,
  "/v1/embed-keys/{key}/rotate": rotateEmbedKey,
  "/v1/api-keys": apiKeys,
  "/v1/api-keys/{key}": apiKey,
  "/v1/api-keys/{key}/rotate": rotateApiKey,
  "/v1/conversations": conversations,
  "/v1/conversations/{conversation}": conversation,
  "/v1/leads": leads,
  "/v1/usage": usage,
  "/v1/audit-events": auditEvents,
}

const described: DescribedRoute[] = Object.entries(table).flatMap(([path, handlers]) =>
  Object.entries(handlers).map(([method, { contract }]) => ({ method, path, contract })),
)

export const GET = route({
  auth: "public",
  handle: async () => json(describeApi(described, env.APP_URL)),
})
