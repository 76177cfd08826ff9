import type { Tenant } from "./two-tenants.ts"

// Every route and every server action, and what may come of calling it with the ids of somebody else's
// tenant. matrix.spec.ts walks the files and fails when one is missing here.

/** Whose credential opens a route; everyone else is refused before anything is looked up. */
export type Door = "public" | "session" | "apiKey" | "member" | "operator"

export type World = { a: Tenant; b: Tenant; ticket: string }

export type RouteRow = {
  /** Below app/, without /route.ts. */
  file: string
  method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE" | "OPTIONS"
  door: Door
  path: (world: World) => string
  body?: (world: World) => unknown
  headers?: (world: World) => Record<string, string>
  /** What A's own credential gets. 2xx only where the answer is A's own. */
  own: number[]
}

const hidden = [404]
const refused = [401, 403, 404, 422]

type Path = RouteRow["path"]
type More = Partial<Pick<RouteRow, "body" | "headers" | "own">>

const row = (
  file: string,
  method: RouteRow["method"],
  door: Door,
  path: Path,
  more: More = {},
): RouteRow => ({ file, method, door, path, own: hidden, ...more })

const mine = { own: [200] }

export const routeRows: RouteRow[] = [
  row("health", "GET", "public", () => "/health", mine),
  row("ready", "GET", "public", () => "/ready", mine),
  row("metrics", "GET", "operator", () => "/metrics"),
  row("api/[...rest]", "GET", "public", () => "/api/nothing/here"),
  row("v1/[...rest]", "GET", "public", ({ b }) => `/v1/tenants/${b.tenantId}`),
  row("v1/[...rest]", "POST", "public", ({ b }) => `/v1/bots/${b.botId}/nothing`),
  row("v1/[...rest]", "PUT", "public", ({ b }) => `/v1/nothing/${b.botId}`),
  row("v1/[...rest]", "PATCH", "public", ({ b }) => `/v1/nothing/${b.botId}`),
  row("v1/[...rest]", "DELETE", "public", ({ b }) => `/v1/nothing/${b.botId}`),
  row("admin/[...rest]", "GET", "public", ({ b }) => `/admin/nothing/${b.tenantId}`),
  row("api/auth/[...nextauth]", "GET", "public", () => "/api/auth/session", mine),
  row("api/auth/[...nextauth]", "POST", "public", () => "/api/auth/callback/credentials", {
    body: () => ({ email: "owner@example.com", password: "wrong password" }),
    own: [200, 302, 401, 429],
  }),

  row("admin/tenants", "GET", "operator", () => "/admin/tenants"),
  row("admin/tenants", "POST", "operator", () => "/admin/tenants", {
    body: () => ({ name: "Mallory" }),
  }),
  row("admin/tenants/[tenant]", "PATCH", "operator", ({ b }) => `/admin/tenants/${b.tenantId}`, {
    body: () => ({ status: "suspended" }),
  }),
  row("admin/tenants/[tenant]", "DELETE", "operator", ({ b }) => `/admin/tenants/${b.tenantId}`),
  row(
    "admin/tenants/[tenant]/api-keys",
    "POST",
    "operator",
    ({ b }) => `/admin/tenants/${b.tenantId}/api-keys`,
    { body: () => ({ name: "Mallory" }) },
  ),

  row("embed", "GET", "public", ({ a, b }) => `/embed?key=${a.key}&botId=${b.botId}`, mine),
  row(
    "api/embed/config",
    "GET",
    "public",
    ({ a, b }) => `/api/embed/config?key=${a.key}&botId=${b.botId}`,
    mine,
  ),
  row("api/embed/ticket", "OPTIONS", "public", () => "/api/embed/ticket", { own: [204] }),
  row("api/embed/ticket", "POST", "public", () => "/api/embed/ticket", {
    headers: ({ a }) => ({ origin: a.origin }),
    body: ({ a, b }) => ({ key: a.key, botId: b.botId, tenantId: b.tenantId }),
    own: [401],
  }),
  row("api/embed/session", "POST", "public", () => "/api/embed/session", {
    body: ({ b, ticket }) => ({ ticket, visitorSecret: b.session.visitorSecret }),
    // One ticket, many callers: the first gets A's bot and a new visitor, the others nothing.
    own: [201, 401],
  }),
  row("api/embed/chat", "POST", "session", () => "/api/embed/chat", {
    headers: ({ b }) => ({ "x-tenant-id": b.tenantId }),
    body: ({ b }) => ({
      message: "Can I return an item under that policy?",
      tenantId: b.tenantId,
      botId: b.botId,
      conversationId: b.conversationId,
    }),
    own: [200],
  }),
  row(
    "api/embed/conversation",
    "GET",
    "session",
    ({ b }) => `/api/embed/conversation?id=${b.conversationId}&visitorId=${b.session.visitorId}`,
    mine,
  ),
  row("api/embed/feedback", "POST", "session", () => "/api/embed/feedback", {
    body: ({ b }) => ({ messageId: b.messageId, value: "down" }),
  }),
  row("api/embed/leads", "POST", "session", () => "/api/embed/leads", {
    body: ({ b }) => ({ name: "M", email: "m@example.com", conversationId: b.conversationId }),
    own: refused,
  }),

  row("v1/openapi.json", "GET", "public", () => "/v1/openapi.json", mine),
  row("v1/bots", "GET", "apiKey", ({ b }) => `/v1/bots?tenantId=${b.tenantId}`, {
    headers: ({ b }) => ({ "x-tenant-id": b.tenantId }),
    own: [200],
  }),
  row("v1/bots", "POST", "apiKey", () => "/v1/bots", {
    body: ({ b }) => ({ name: "M", tenantId: b.tenantId }),
    own: refused,
  }),
  row("v1/bots/[bot]", "GET", "apiKey", ({ b }) => `/v1/bots/${b.botId}`),
  row("v1/bots/[bot]", "PATCH", "apiKey", ({ b }) => `/v1/bots/${b.botId}`, {
    body: () => ({ name: "Stolen" }),
  }),
  row("v1/bots/[bot]", "DELETE", "apiKey", ({ b }) => `/v1/bots/${b.botId}`),
  row("v1/bots/[bot]/search", "POST", "apiKey", ({ b }) => `/v1/bots/${b.botId}/search`, {
    body: () => ({ query: "What is the policy?" }),
  }),
  row("v1/bots/[bot]/sources", "GET", "apiKey", ({ b }) => `/v1/bots/${b.botId}/sources`),
  row("v1/bots/[bot]/sources", "POST", "apiKey", ({ b }) => `/v1/bots/${b.botId}/sources`, {
    body: () => ({ title: "Planted", text: "Planted by somebody else." }),
  }),
  row("v1/bots/[bot]/embed-keys", "GET", "apiKey", ({ b }) => `/v1/bots/${b.botId}/embed-keys`),
  row("v1/bots/[bot]/embed-keys", "POST", "apiKey", ({ b }) => `/v1/bots/${b.botId}/embed-keys`, {
    body: () => ({ mode: "test", allowedOrigins: [] }),
  }),
  row("v1/bots/[bot]/embed-keys", "POST", "apiKey", ({ a }) => `/v1/bots/${a.botId}/embed-keys`, {
    body: ({ a, b }) => ({ mode: "test", allowedOrigins: [], botIds: [a.botId, b.botId] }),
    own: refused,
  }),
  row("v1/bots/[bot]/tools", "GET", "apiKey", ({ b }) => `/v1/bots/${b.botId}/tools`),
  row("v1/bots/[bot]/tools", "POST", "apiKey", ({ b }) => `/v1/bots/${b.botId}/tools`, {
    body: () => ({ name: "planted", description: "Planted.", url: "https://93.184.216.34/" }),
  }),
  row("v1/tools/[tool]", "GET", "apiKey", ({ b }) => `/v1/tools/${b.toolId}`),
  row("v1/tools/[tool]", "PATCH", "apiKey", ({ b }) => `/v1/tools/${b.toolId}`, {
    body: () => ({ url: "https://93.184.216.34/stolen" }),
  }),
  row("v1/tools/[tool]", "DELETE", "apiKey", ({ b }) => `/v1/tools/${b.toolId}`),
  row("v1/tools/[tool]/try", "POST", "apiKey", ({ b }) => `/v1/tools/${b.toolId}/try`, {
    body: () => ({ values: {} }),
  }),
  row("v1/bots/[bot]/mcp-servers", "GET", "apiKey", ({ b }) => `/v1/bots/${b.botId}/mcp-servers`),
  row("v1/bots/[bot]/mcp-servers", "POST", "apiKey", ({ b }) => `/v1/bots/${b.botId}/mcp-servers`, {
    body: () => ({ name: "Planted", url: "https://93.184.216.34/" }),
  }),
  row("v1/mcp-servers/[server]", "GET", "apiKey", ({ b }) => `/v1/mcp-servers/${b.serverId}`),
  row("v1/mcp-servers/[server]", "PATCH", "apiKey", ({ b }) => `/v1/mcp-servers/${b.serverId}`, {
    body: () => ({ name: "Stolen" }),
  }),
  row("v1/mcp-servers/[server]", "DELETE", "apiKey", ({ b }) => `/v1/mcp-servers/${b.serverId}`),
  row(
    "v1/mcp-servers/[server]/refresh",
    "POST",
    "apiKey",
    ({ b }) => `/v1/mcp-servers/${b.serverId}/refresh`,
  ),
  row(
    "v1/mcp-servers/[server]/tools",
    "POST",
    "apiKey",
    ({ b }) => `/v1/mcp-servers/${b.serverId}/tools`,
    { body: allowance },
  ),
  row("v1/embed-keys/[key]", "PATCH", "apiKey", ({ a }) => `/v1/embed-keys/${a.keyId}`, {
    body: ({ b }) => ({ tools: [b.toolId] }),
  }),
  row("v1/embed-keys/[key]", "GET", "apiKey", ({ b }) => `/v1/embed-keys/${b.keyId}`),
  row("v1/embed-keys/[key]", "PATCH", "apiKey", ({ b }) => `/v1/embed-keys/${b.keyId}`, {
    body: () => ({ status: "disabled" }),
  }),
  row("v1/embed-keys/[key]", "PATCH", "apiKey", ({ a }) => `/v1/embed-keys/${a.keyId}`, {
    body: ({ b }) => ({ botIds: [b.botId] }),
    own: refused,
  }),
  row("v1/embed-keys/[key]", "DELETE", "apiKey", ({ b }) => `/v1/embed-keys/${b.keyId}`),
  row(
    "v1/embed-keys/[key]/rotate",
    "POST",
    "apiKey",
    ({ b }) => `/v1/embed-keys/${b.keyId}/rotate`,
    { body: () => ({ overlapSeconds: 0 }) },
  ),
  row("v1/api-keys", "GET", "apiKey", ({ b }) => `/v1/api-keys?tenant=${b.tenantId}`, mine),
  row("v1/api-keys", "POST", "apiKey", () => "/v1/api-keys", {
    body: ({ b }) => ({ name: "M", defaultBotId: b.botId }),
    own: refused,
  }),
  row("v1/api-keys/[key]", "DELETE", "apiKey", ({ b }) => `/v1/api-keys/${b.apiKeyId}`),
  row(
    "v1/api-keys/[key]/rotate",
    "POST",
    "apiKey",
    ({ b }) => `/v1/api-keys/${b.apiKeyId}/rotate`,
    { body: () => ({ overlapSeconds: 0 }) },
  ),
  row("v1/sources/[source]", "GET", "apiKey", ({ b }) => `/v1/sources/${b.sourceId}`),
  row("v1/sources/[source]", "DELETE", "apiKey", ({ b }) => `/v1/sources/${b.sourceId}`),
  row("v1/sources/[source]", "PUT", "apiKey", ({ b }) => `/v1/sources/${b.sourceId}`, {
    body: () => ({ title: "Planted", text: "Planted by somebody else." }),
  }),
  row("v1/sources/[source]", "PATCH", "apiKey", ({ b }) => `/v1/sources/${b.sourceId}`, {
    body: () => ({ visibility: "hidden" }),
  }),
  row(
    "v1/sources/[source]/accept",
    "POST",
    "apiKey",
    ({ b }) => `/v1/sources/${b.sourceId}/accept`,
  ),
  row(
    "v1/sources/[source]/discard",
    "POST",
    "apiKey",
    ({ b }) => `/v1/sources/${b.sourceId}/discard`,
  ),
  row("v1/sources/[source]/stop", "POST", "apiKey", ({ b }) => `/v1/sources/${b.sourceId}/stop`),
  row("v1/bots/[bot]/crawls", "GET", "apiKey", ({ b }) => `/v1/bots/${b.botId}/crawls`),
  row("v1/bots/[bot]/crawls", "POST", "apiKey", ({ b }) => `/v1/bots/${b.botId}/crawls`, {
    body: () => ({ url: "https://93.184.216.34/" }),
  }),
  row("v1/crawls/[crawl]", "GET", "apiKey", ({ b }) => `/v1/crawls/${b.crawlId}`),
  row("v1/crawls/[crawl]", "PATCH", "apiKey", ({ b }) => `/v1/crawls/${b.crawlId}`, {
    body: () => ({ exclude: ["/"] }),
  }),
  row("v1/crawls/[crawl]/stop", "POST", "apiKey", ({ b }) => `/v1/crawls/${b.crawlId}/stop`),
  row("v1/crawls/[crawl]", "DELETE", "apiKey", ({ b }) => `/v1/crawls/${b.crawlId}`),
  row("v1/conversations", "GET", "apiKey", ({ b }) => `/v1/conversations?botId=${b.botId}`, {
    own: [200, 404],
  }),
  row(
    "v1/conversations/[conversation]",
    "GET",
    "apiKey",
    ({ b }) => `/v1/conversations/${b.conversationId}`,
  ),
  row("v1/leads", "GET", "apiKey", ({ b }) => `/v1/leads?botId=${b.botId}`, { own: [200, 404] }),
  row("v1/usage", "GET", "apiKey", ({ b }) => `/v1/usage?tenantId=${b.tenantId}`, mine),
  row("v1/audit-events", "GET", "apiKey", ({ b }) => `/v1/audit-events?tenant=${b.tenantId}`, mine),

  row(
    "api/console/[tenant]/bots/[bot]/sources",
    "GET",
    "member",
    ({ b }) => `/api/console/${b.tenantId}/bots/${b.botId}/sources`,
  ),
  row(
    "api/console/[tenant]/bots/[bot]/sources",
    "GET",
    "member",
    ({ a, b }) => `/api/console/${a.tenantId}/bots/${b.botId}/sources`,
  ),
  row(
    "api/console/[tenant]/bots/[bot]/sources",
    "POST",
    "member",
    ({ b }) => `/api/console/${b.tenantId}/bots/${b.botId}/sources`,
    { body: makeUpload },
  ),
  row(
    "api/console/[tenant]/bots/[bot]/sources",
    "POST",
    "member",
    ({ a, b }) => `/api/console/${a.tenantId}/bots/${b.botId}/sources`,
    { body: makeUpload, own: [403, 404] },
  ),

  row(
    "api/console/[tenant]/bots/[bot]/crawls",
    "GET",
    "member",
    ({ b }) => `/api/console/${b.tenantId}/bots/${b.botId}/crawls`,
  ),
  row(
    "api/console/[tenant]/bots/[bot]/crawls",
    "GET",
    "member",
    ({ a, b }) => `/api/console/${a.tenantId}/bots/${b.botId}/crawls`,
  ),
  row(
    "api/console/[tenant]/sources/[source]",
    "POST",
    "member",
    ({ b }) => `/api/console/${b.tenantId}/sources/${b.sourceId}`,
    { body: makeUpload },
  ),
  row(
    "api/console/[tenant]/sources/[source]",
    "POST",
    "member",
    ({ a, b }) => `/api/console/${a.tenantId}/sources/${b.sourceId}`,
    { body: makeUpload, own: [403, 404] },
  ),

  row("api/console/[tenant]/audit", "GET", "member", ({ b }) => `/api/console/${b.tenantId}/audit`),

  // Last, because it ends what A's visitor has.
  row("api/embed/conversation", "DELETE", "session", () => "/api/embed/conversation", {
    own: [204],
  }),
]

function allowance() {
  return { name: "planted", definitionHash: "0".repeat(64), isWrite: false }
}

function makeUpload(): FormData {
  const form = new FormData()
  form.set("file", new File(["Planted by somebody else."], "planted.txt", { type: "text/plain" }))
  return form
}

export type ActionRow = {
  /** Below app/, without /actions.ts. */
  file: string
  name: string
  /** Input that names things of B's; null for what takes no tenant. */
  input: ((world: World) => object) | null
  /** Also called in A's own tenant with this input, unless it names nothing of B's. */
  isForeignInput: boolean
}

const action = (
  file: string,
  name: string,
  input: ActionRow["input"],
  isForeignInput = true,
): ActionRow => ({ file, name, input, isForeignInput })

const tenantActions = "console/[tenant]"
const botActions = "console/[tenant]/bots/[bot]"
const incidentActions = `${botActions}/embed/[key]`
const playgroundActions = `${botActions}/playground`
const knowledgeActions = `${botActions}/knowledge`
const qualityActions = `${botActions}/quality`
const toolActions = `${botActions}/tools`

export const actionRows: ActionRow[] = [
  action("(auth)/sign-up", "signUp", null, false),
  action("(marketing)", "openDemo", null, false),
  action(tenantActions, "changePassword", null, false),
  action(tenantActions, "confirmPassword", null, false),
  action(tenantActions, "endSignIn", null, false),
  action(tenantActions, "changeRole", ({ b }) => ({ userId: b.ownerId, role: "viewer" })),
  action(tenantActions, "removeMember", ({ b }) => ({ userId: b.ownerId })),
  action(tenantActions, "createBot", () => ({ name: "Planted" }), false),
  action(tenantActions, "createApiKey", ({ b }) => ({ name: "M", defaultBotId: b.botId })),
  action(tenantActions, "deleteApiKey", ({ b }) => ({ keyId: b.apiKeyId })),
  action(tenantActions, "rotateApiKey", ({ b }) => ({ keyId: b.apiKeyId, overlapSeconds: 0 })),
  action(
    tenantActions,
    "saveModel",
    () => ({
      provider: "openai-compatible",
      url: "https://93.184.216.34/v1",
      name: "planted",
      apiKey: "sk-planted-key",
      inputPrice: "0",
      cachedPrice: "0",
      outputPrice: "0",
    }),
    false,
  ),
  action(tenantActions, "removeModel", () => ({}), false),
  action(tenantActions, "tryModel", () => ({}), false),
  action(tenantActions, "updateLead", ({ b }) => ({ leadId: b.leadId, status: "done" })),
  action(botActions, "updateBot", ({ b }) => ({ botId: b.botId, name: "Stolen" })),
  action(botActions, "deleteBot", ({ b }) => ({ botId: b.botId })),
  action(botActions, "addText", ({ b }) => ({ botId: b.botId, title: "Planted", text: "Text" })),
  action(botActions, "addQuestion", ({ b }) => ({ botId: b.botId, question: "Q?", answer: "A" })),
  action(botActions, "deleteSource", ({ b }) => ({ sourceId: b.sourceId })),
  action(botActions, "retrySource", ({ b }) => ({ sourceId: b.sourceId })),
  action(knowledgeActions, "addPages", ({ b }) => ({
    botId: b.botId,
    urls: "https://93.184.216.34/",
  })),
  action(knowledgeActions, "addSite", ({ b }) => ({
    botId: b.botId,
    url: "https://93.184.216.34/",
  })),
  action(knowledgeActions, "acceptSource", ({ b }) => ({ sourceId: b.sourceId })),
  action(knowledgeActions, "discardSource", ({ b }) => ({ sourceId: b.sourceId })),
  action(knowledgeActions, "stopSource", ({ b }) => ({ sourceId: b.sourceId })),
  action(knowledgeActions, "refreshSite", ({ b }) => ({ crawlId: b.crawlId })),
  action(knowledgeActions, "updateSite", ({ b }) => ({
    crawlId: b.crawlId,
    schedule: "daily",
  })),
  action(knowledgeActions, "updateSource", ({ b }) => ({
    sourceId: b.sourceId,
    visibility: "hidden",
  })),
  action(knowledgeActions, "stopSite", ({ b }) => ({ crawlId: b.crawlId })),
  action(knowledgeActions, "deleteSite", ({ b }) => ({ crawlId: b.crawlId })),
  action(botActions, "createKey", ({ b }) => ({ botId: b.botId, mode: "test" })),
  action(botActions, "updateKey", ({ b }) => ({ keyId: b.keyId, status: "disabled" })),
  action(botActions, "deleteKey", ({ b }) => ({ keyId: b.keyId })),
  action(botActions, "createPreviewTicket", ({ b }) => ({ botId: b.botId })),
  action(playgroundActions, "tryQuestion", ({ b }) => ({ botId: b.botId, question: "Policy?" })),
  action(playgroundActions, "saveGolden", ({ b }) => ({ botId: b.botId, question: "Planted?" })),
  action(qualityActions, "createGolden", ({ b }) => ({ botId: b.botId, question: "Planted?" })),
  action(qualityActions, "updateGolden", ({ b }) => ({
    questionId: b.goldenId,
    question: "Stolen?",
  })),
  action(qualityActions, "deleteGolden", ({ b }) => ({ questionId: b.goldenId })),
  action(qualityActions, "importGolden", ({ b }) => ({ botId: b.botId, text: "Planted?" })),
  action(qualityActions, "draftGolden", ({ b }) => ({ botId: b.botId })),
  action(qualityActions, "runGolden", ({ b }) => ({ botId: b.botId, mode: "quotes" })),
  action(qualityActions, "answerGap", ({ b }) => ({
    botId: b.botId,
    messageIds: [b.messageId],
    question: "Planted?",
    answer: "Planted.",
  })),
  action(qualityActions, "dismissGap", ({ b }) => ({ botId: b.botId, messageIds: [b.messageId] })),
  action(qualityActions, "retestGaps", ({ b }) => ({ botId: b.botId })),
  action(toolActions, "createTool", ({ b }) => ({
    botId: b.botId,
    name: "planted",
    description: "Planted.",
    url: "https://93.184.216.34/",
  })),
  action(toolActions, "updateTool", ({ b }) => ({ toolId: b.toolId, isEnabled: false })),
  action(toolActions, "deleteTool", ({ b }) => ({ toolId: b.toolId })),
  action(toolActions, "tryTool", ({ b }) => ({ toolId: b.toolId, values: {} })),
  action(toolActions, "addServer", ({ b }) => ({
    botId: b.botId,
    name: "Planted",
    url: "https://93.184.216.34/",
  })),
  action(toolActions, "updateServer", ({ b }) => ({ serverId: b.serverId, name: "Stolen" })),
  action(toolActions, "refreshServer", ({ b }) => ({ serverId: b.serverId })),
  action(toolActions, "deleteServer", ({ b }) => ({ serverId: b.serverId })),
  action(toolActions, "allowTool", ({ b }) => ({ serverId: b.serverId, ...allowance() })),
  action(incidentActions, "rotateKey", ({ b }) => ({ keyId: b.keyId, overlapSeconds: 0 })),
  action(incidentActions, "endAllChats", ({ b }) => ({ keyId: b.keyId })),
  action(incidentActions, "endChat", ({ b }) => ({ sessionId: b.session.sessionId })),
  action(incidentActions, "setVisitorBlocked", ({ b }) => ({
    visitorId: b.session.visitorId,
    isBlocked: true,
  })),
  action(incidentActions, "keepOut", ({ b }) => ({ keyId: b.keyId, network: "203.0.113.7" })),
  action(incidentActions, "letBackIn", ({ b }) => ({ blockId: b.blockId })),
]
