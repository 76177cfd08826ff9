import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { call, newAddress, openShop } from "../counter.ts"
import { type Deployment, findFreePorts, startProgram, waitUntilHealthy } from "../deployment.ts"
import { listenOnLoopback } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"
import { routeRows, type World } from "../walls/matrix.ts"
import { callAction, readActions } from "../walls/server-actions.ts"
import {
  addMembership,
  buyTicket,
  canary,
  makeTenants,
  readRows,
  signIn,
  type Tenant,
  withDatabase,
} from "../walls/two-tenants.ts"
import { rounds } from "./rounds.ts"

// What the matrix (e2e/walls) does not ask: odd parameters, smuggled fields, guessed ids, caches, switching
// tenants, the operator's doors, and what is left of a tenant that was deleted.

let tenants: { a: Tenant; b: Tenant } | null = null

async function enterWorld(deployment: Deployment): Promise<World> {
  tenants ??= await makeTenants(deployment)
  return { ...tenants, ticket: "" }
}

const listPaths = ({ a }: World) => [
  "/v1/bots",
  `/v1/bots/${a.botId}/sources`,
  `/v1/bots/${a.botId}/embed-keys`,
  `/v1/bots/${a.botId}/tools`,
  `/v1/bots/${a.botId}/crawls`,
  "/v1/api-keys",
  "/v1/conversations",
  "/v1/leads",
  "/v1/usage",
  "/v1/audit-events",
]

/** Every id of a tenant in every table. */
async function listIds(deployment: Deployment, tenantId: string): Promise<string[]> {
  const rows = Object.values(await readRows(deployment, tenantId)).flat()
  const ids = rows.flatMap((row) => row.match(/\b[a-z]{3}_[0-9a-f]{24}\b/g) ?? [])
  return [...new Set(ids)]
}

test("X02 no parameter makes a list show another tenant's rows", async ({ deployment }) => {
  const world = await enterWorld(deployment)
  const { a, b } = world
  const foreignIds = (await listIds(deployment, b.tenantId)).filter((id) => !id.startsWith("usr_"))
  const parameters = [
    ["tenant_id", b.tenantId],
    ["tenantId", b.tenantId],
    ["tenant", b.tenantId],
    ["owner_ids", b.tenantId],
    ["owner_ids[]", b.tenantId],
    ["bot_id", b.botId],
    ["botId", b.botId],
    ["keyId", b.keyId],
    ["include", "tenant.keys"],
    ["include[tenant]", "true"],
    ["where[tenantId]", b.tenantId],
    ["where", JSON.stringify({ tenantId: b.tenantId })],
    ["filter[tenant_id][$ne]", a.tenantId],
    ["select", "*"],
    ["cursor", b.botId],
    ["cursor", b.conversationId],
    ["cursor", ""],
    ["limit", "1000000"],
    ["actor", b.tenantId],
  ] as const
  let answers = 0
  for (const path of listPaths(world))
    for (const [name, value] of parameters) {
      const query = new URLSearchParams([[name, value]])
      const { status, text } = await a.api(`${path}?${query}`)
      const what = `${path}?${query}`
      expect([200, 404, 422], `${what} → ${status} ${text}`).toContain(status)
      expect(text, what).not.toContain(canary)
      // An audit log may quote what was asked for; it names nothing that was not.
      const named = foreignIds.filter((id) => id !== value && text.includes(id))
      expect(named, what).toEqual([])
      if (status === 200) answers += 1
    }
  expect(answers).toBeGreaterThan(100)
})

test("X03 nothing can be put below another tenant's parent", async ({ deployment }) => {
  const { a, b } = await enterWorld(deployment)
  const [rowsOfA, rowsOfB] = [a, b].map(
    ({ tenantId }) =>
      () =>
        readRows(deployment, tenantId),
  )
  const before = await rowsOfB!()
  const attempts: [string, string, object][] = [
    ["POST", `/v1/bots/${b.botId}/sources`, { title: "Planted", text: "Planted." }],
    ["POST", `/v1/bots/${b.botId}/sources`, { question: "Q?", answer: "Planted." }],
    ["POST", `/v1/bots/${b.botId}/embed-keys`, { mode: "test", allowedOrigins: [] }],
    ["POST", `/v1/bots/${b.botId}/tools`, { name: "x", description: "x", url: "https://x.org" }],
    ["POST", `/v1/bots/${b.botId}/crawls`, { url: "https://93.184.216.34/" }],
    ["POST", `/v1/bots/${a.botId}/embed-keys`, { mode: "test", botIds: [b.botId] }],
    ["PATCH", `/v1/embed-keys/${a.keyId}`, { botIds: [b.botId] }],
    ["PATCH", `/v1/embed-keys/${a.keyId}`, { tools: [b.toolId] }],
    ["POST", "/v1/api-keys", { name: "x", defaultBotId: b.botId }],
  ]
  const own = await rowsOfA!()
  for (const [method, path, body] of attempts) {
    const { status, text } = await a.api(path, { method, body })
    expect([404, 422], `${method} ${path} → ${status} ${text}`).toContain(status)
  }
  const token = { authorization: `Bearer ${a.session.token}` }
  const message = await call(deployment, "/api/embed/feedback", {
    headers: token,
    body: { messageId: b.messageId, value: "up" },
  })
  expect(message.status).toBe(404)
  expect(await rowsOfB!()).toEqual(before)
  expect(await rowsOfA!()).toEqual(own)
})

test("X04 a body cannot set whose a thing is, what it is called inside, or what it has used", async ({
  deployment,
}) => {
  const { a, b } = await enterWorld(deployment)
  const smuggled = {
    tenantId: b.tenantId,
    tenant_id: b.tenantId,
    id: b.botId,
    role: "owner",
    plan: "unlimited",
    used: 0,
    epoch: 0,
    createdAt: "1999-01-01T00:00:00Z",
    isSelfRegistered: false,
    monthlySpendMinor: 1_000_000,
    __proto__: { tenantId: b.tenantId },
  }
  const targets: [string, string, object][] = [
    ["PATCH", `/v1/bots/${a.botId}`, { name: "Alpha" }],
    ["POST", "/v1/bots", { name: "Planted" }],
    ["POST", `/v1/bots/${a.botId}/sources`, { title: "T", text: "Text." }],
    ["PATCH", `/v1/embed-keys/${a.keyId}`, { name: "Alpha" }],
    ["POST", `/v1/bots/${a.botId}/embed-keys`, { mode: "test" }],
    ["POST", "/v1/api-keys", { name: "x" }],
    ["PATCH", `/v1/tools/${a.toolId}`, { description: "Alpha" }],
    ["POST", `/v1/bots/${a.botId}/crawls`, { url: "https://93.184.216.34/" }],
  ]
  const [own, foreign] = await Promise.all(
    [a, b].map(({ tenantId }) => readRows(deployment, tenantId)),
  )
  for (const [method, path, fine] of targets)
    for (const [name, value] of Object.entries(smuggled)) {
      const { status, text } = await a.api(path, { method, body: { ...fine, [name]: value } })
      expect([422, 400], `${method} ${path} ${name} → ${status} ${text}`).toContain(status)
    }
  // Where unknown fields are passed over, they change nothing.
  const chat = await call(deployment, "/api/embed/chat", {
    headers: { authorization: `Bearer ${b.session.token}` },
    body: { message: "Hello?", ...smuggled, tenantId: a.tenantId, conversationId: "cnv_x" },
  })
  expect([200, 422]).toContain(chat.status)
  expect(await readRows(deployment, a.tenantId)).toEqual(own)
  const after = await readRows(deployment, b.tenantId)
  for (const table of ["tenants", "memberships", "bots", "embed_keys", "api_keys"])
    expect(after[table]).toEqual(foreign![table])
})

test("X07 guessed and neighbouring ids find nothing and are throttled; ids hold 96 random bits", async ({
  deployment,
}) => {
  test.setTimeout(rounds(60_000, 600_000))
  const { b } = await enterWorld(deployment)
  const thief = await openShop(deployment)
  const ids = await listIds(deployment, b.tenantId)
  expect(ids.length).toBeGreaterThan(15)
  // Nothing of an id is a counter or a clock: leading and trailing halves are all different.
  for (const half of [(id: string) => id.slice(4, 16), (id: string) => id.slice(16)])
    expect(new Set(ids.map(half)).size).toBe(ids.length)

  const routes: [string, string][] = [
    ["/v1/bots/", b.botId],
    ["/v1/sources/", b.sourceId],
    ["/v1/conversations/", b.conversationId],
    ["/v1/embed-keys/", b.keyId],
    ["/v1/tools/", b.toolId],
  ]
  const neighbour = (id: string, step: number) => {
    const [prefix, hex] = id.split("_") as [string, string]
    return `${prefix}_${((BigInt(`0x${hex}`) + BigInt(step)) % 2n ** 96n).toString(16).padStart(24, "0")}`
  }
  const total = rounds(900, 100_000)
  const counts = new Map<number, number>()
  let sent = 0
  const lane = async () => {
    while (sent < total) {
      sent += 1
      const step = sent
      const [path, id] = routes[step % routes.length]!
      const guess = neighbour(id, step % 3 === 0 ? -step : step)
      const { status, text } = await thief.api(path + guess, { process: step % 2 })
      expect(text).not.toContain(canary)
      counts.set(status, (counts.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  expect([...counts.keys()].sort()).toEqual([404, 429])
  expect(counts.get(429)).toBeGreaterThan(total / 4)
})

test("X08 no path leads from A's files to B's: a swapped id, a path in an id, a storage name", async ({
  deployment,
}) => {
  const { a, b } = await enterWorld(deployment)
  const shapes = (own: string, foreign: string) => [
    foreign,
    `${own}/../${foreign}`,
    `..%2f${foreign}`,
    `${own}%2f..%2f${foreign}`,
    `${own}/..%2f${foreign}`,
    `%2e%2e/${foreign}`,
    `../${b.tenantId}/${foreign}`,
    `${foreign}%00`,
    `${foreign}.txt`,
    `${own},${foreign}`,
    foreign.toUpperCase(),
  ]
  const pairs: [string, string, string][] = [
    ["/v1/sources/", a.sourceId, b.sourceId],
    ["/v1/conversations/", a.conversationId, b.conversationId],
    ["/v1/crawls/", a.crawlId, b.crawlId],
  ]
  const before = await readRows(deployment, b.tenantId)
  const planted = { title: "Planted", text: "Planted." }
  for (const [path, own, foreign] of pairs) {
    expect((await a.api(path + own)).status).toBe(200)
    for (const shape of shapes(own, foreign))
      for (const [method, body] of [["GET"], ["PUT", planted], ["DELETE"]] as const) {
        const answer = await a.api(path + shape, { method, ...(body ? { body } : {}) })
        const what = `${method} ${path}${shape} → ${answer.status} ${answer.text}`
        expect([400, 404, 405], what).toContain(answer.status)
        expect(answer.text, what).not.toContain(canary)
      }
  }
  // The one signed thing that is handed out: a ticket, which names its tenant inside the signature.
  const ticket = await buyTicket(deployment, a)
  const [head, payload, signature] = ticket.split(".") as [string, string, string]
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"))
  for (const change of [{ tenantId: b.tenantId }, { botId: b.botId }, { keyId: b.keyId }]) {
    const swapped = Buffer.from(
      JSON.stringify({ ...claims, ...change, tid: b.tenantId, bot: b.botId }),
    ).toString("base64url")
    const answer = await call(deployment, "/api/embed/session", {
      body: { ticket: [head, swapped, signature].join(".") },
    })
    expect(answer.status).toBe(401)
  }
  expect(await readRows(deployment, b.tenantId)).toEqual(before)
})

/** The console's pages as one tenant sees them, and those whose address is the same for everyone. */
function listPages(tenant: Tenant): string[] {
  const home = `/console/${tenant.tenantId}`
  const bot = `${home}/bots/${tenant.botId}`
  return [
    "/",
    "/console",
    "/sign-in",
    home,
    bot,
    `${bot}/knowledge`,
    `${bot}/embed`,
    `${bot}/embed/${tenant.keyId}`,
    `${bot}/conversations`,
    `${bot}/conversations/${tenant.conversationId}`,
  ]
}

const kinds: Record<string, string>[] = [
  {},
  { rsc: "1" },
  { rsc: "1", "next-router-prefetch": "1" },
  { rsc: "1", "next-router-segment-prefetch": "/_tree" },
]

test("X23 one address asked for by B, then A, then nobody shows each their own", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const { a, b } = await enterWorld(deployment)
  const read = async (path: string, cookie: string, headers: Record<string, string>) => {
    const response = await fetch(deployment.appUrl + path, {
      redirect: "follow",
      headers: { cookie, ...headers, "x-forwarded-for": newAddress() },
    })
    return { text: await response.text(), cache: response.headers.get("cache-control") ?? "" }
  }
  let shown = 0
  for (const path of listPages(b))
    for (const headers of kinds) {
      const what = `${path} ${JSON.stringify(headers)}`
      for (const who of ["b", "a", "nobody"] as const) {
        const cookie = who === "nobody" ? "" : { a, b }[who].ownerCookie
        const { text, cache } = await read(path, cookie, headers)
        if (who === "b" && text.includes(canary)) shown += 1
        if (who !== "b") expect(text, `${what} as ${who}`).not.toContain(canary)
        if (who !== "nobody" && path.startsWith("/console")) expect(cache, what).toMatch(/no-store/)
      }
    }
  expect(shown).toBeGreaterThan(10)
})

type CachingProxy = { url: string; hits: Map<string, number>; stop(): Promise<void> }

/** The greediest cache that still obeys: it keeps every 200 that does not forbid it, by address alone. */
async function startCachingProxy(upstream: string): Promise<CachingProxy> {
  type Stored = { body: Buffer; type: string }
  const stored = new Map<string, Stored>()
  const hits = new Map<string, number>()
  const server: Server = createServer(async (request, response) => {
    const path = request.url ?? "/"
    const kept = stored.get(path)
    if (kept) {
      hits.set(path, (hits.get(path) ?? 0) + 1)
      response.writeHead(200, { "content-type": kept.type }).end(kept.body)
      return
    }
    const { cookie, authorization, rsc, origin } = request.headers
    const passed = Object.entries({ cookie, authorization, rsc, origin }).filter(([, v]) => v)
    const answer = await fetch(upstream + path, {
      redirect: "manual",
      headers: Object.fromEntries(passed) as Record<string, string>,
    })
    const body = Buffer.from(await answer.arrayBuffer())
    const type = answer.headers.get("content-type") ?? ""
    const rule = answer.headers.get("cache-control") ?? ""
    if (answer.status === 200 && !/private|no-store|no-cache/.test(rule))
      stored.set(path, { body, type })
    response.writeHead(answer.status, { "content-type": type }).end(body)
  })
  const port = await listenOnLoopback(server)
  return {
    url: `http://127.0.0.1:${port}`,
    hits,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test("X24 a shared cache in front keeps nothing of a tenant's, and does keep what is everybody's", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const world = await enterWorld(deployment)
  const { a, b } = world
  const proxy = await startCachingProxy(deployment.appUrl)
  try {
    const get = (path: string, headers: Record<string, string>) =>
      fetch(proxy.url + path, { redirect: "manual", headers }).then((answer) => answer.text())
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    const visits: [string[], Record<string, string>[]][] = [
      [
        [...listPages(b), ...listPages(a)].filter((path) => path !== "/" && path !== "/sign-in"),
        [{ cookie: b.ownerCookie }, { cookie: a.ownerCookie }, {}],
      ],
      [listPaths(world), [bearer(b.secretKey), bearer(a.secretKey), {}]],
      [["/api/embed/conversation"], [bearer(b.session.token), bearer(a.session.token), {}]],
    ]
    for (const [paths, callers] of visits)
      for (const path of new Set(paths))
        for (const [i, headers] of callers.entries()) {
          const text = await get(path, headers)
          if (i > 0) expect(text, path).not.toContain(canary)
        }
    expect([...proxy.hits]).toEqual([])
    // The cache does work: the loader is one file for every website.
    await get("/embed.js", {})
    await get("/embed.js", {})
    expect(proxy.hits.get("/embed.js")).toBe(1)
  } finally {
    await proxy.stop()
  }
})

test("X30 health, readiness, metrics and usage tell nobody about a tenant", async ({
  deployment,
}) => {
  const { a, b } = await enterWorld(deployment)
  const secrets = [
    ...(await listIds(deployment, a.tenantId)),
    ...(await listIds(deployment, b.tenantId)),
    canary,
  ]
  const callers: Record<string, string>[] = [
    {},
    { authorization: `Bearer ${a.secretKey}` },
    { cookie: a.ownerCookie },
    { authorization: `Bearer ${a.session.token}` },
    { "x-master-key": a.secretKey },
  ]
  for (const headers of callers) {
    const health = await call(deployment, "/health", { headers })
    expect(health.body).toEqual({ status: "ok" })
    const ready = await call(deployment, "/ready", { headers })
    expect(ready.body).toEqual({ status: "ready", worker: "ready" })
    for (const path of ["/metrics", "/admin/tenants", "/admin/stats"]) {
      const answer = await call(deployment, path, { headers, ip: newAddress() })
      expect([401, 403, 404], path).toContain(answer.status)
    }
  }
  const metrics = await call(deployment, "/metrics", {
    headers: { "x-master-key": deployment.masterKey },
  })
  expect(metrics.status).toBe(200)
  expect(metrics.text).toContain("coatcheck_requests_total")
  expect(secrets.filter((secret) => metrics.text.includes(secret))).toEqual([])
  const usage = await a.api(`/v1/usage?tenantId=${b.tenantId}`)
  expect((await listIds(deployment, b.tenantId)).filter((id) => usage.text.includes(id))).toEqual(
    [],
  )
})

test("X31 a form acts on the tenant it was made for, wherever its person has gone meanwhile", async ({
  deployment,
}) => {
  const { a, b } = await enterWorld(deployment)
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  const person = await makeTenant()
  await disconnect()
  for (const { tenantId } of [a, b])
    await addMembership(deployment, tenantId, person.userId, "admin")
  const cookie = await signIn(deployment, person.email, person.password)
  const visit = (path: string) =>
    fetch(deployment.appUrl + path, { headers: { cookie } }).then((answer) => answer.text())
  const rename = readActions({ a }).get("console/[tenant]/bots/[bot] updateBot")!
  const before = await readRows(deployment, b.tenantId)

  // The form of A, submitted after switching to B.
  await visit(`/console/${a.tenantId}/bots/${a.botId}`)
  expect(await visit(`/console/${b.tenantId}/bots/${b.botId}`)).toContain(canary)
  const stale = await callAction(deployment, rename, cookie, [
    a.tenantId,
    { botId: a.botId, label: "Stale" },
  ])
  expect(stale.text).toContain('"ok":true')
  expect((await a.api<{ label: string }>(`/v1/bots/${a.botId}`)).body.label).toBe("Stale")
  // The two mixed: neither B's bot in A's form nor A's in B's.
  for (const [tenant, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const mixed = await callAction(deployment, rename, cookie, [
      tenant.tenantId,
      { botId: other.botId, label: "Mixed" },
    ])
    expect(mixed.text).toContain('"code":"not_found"')
  }
  expect(await readRows(deployment, b.tenantId)).toEqual(before)
  // Taken out of A, the stale form is worth nothing.
  await withDatabase(deployment, (client) =>
    client.query("delete from memberships where tenant_id = $1 and user_id = $2", [
      a.tenantId,
      person.userId,
    ]),
  )
  const late = await callAction(deployment, rename, cookie, [
    a.tenantId,
    { botId: a.botId, label: "Late" },
  ])
  expect(late.text).toContain('"code":"not_found"')
})

test("X34 no key of a tenant, no wrong and no empty master key opens the operator's routes", async ({
  deployment,
}) => {
  const { a, b } = await enterWorld(deployment)
  const master = deployment.masterKey
  const credentials: Record<string, string>[] = [
    {},
    { "x-master-key": "" },
    { "x-master-key": "undefined" },
    { "x-master-key": a.secretKey },
    { "x-master-key": a.key },
    { "x-master-key": a.session.token },
    { "x-master-key": master.slice(0, -1) },
    { "x-master-key": `${master}x` },
    { "x-master-key": master.toUpperCase() },
    { "x-master-key": `${master}, ${master}` },
    { authorization: `Bearer ${a.secretKey}` },
    { authorization: `Bearer ${master}` },
    { "x-api-key": a.secretKey },
    { "x-api-key": master },
    { cookie: a.ownerCookie },
  ]
  const before = await readRows(deployment, b.tenantId)
  const doors = routeRows.filter((row) => row.door === "operator")
  expect(doors.length).toBeGreaterThan(5)
  for (const row of doors)
    for (const headers of credentials) {
      const { status, text } = await call(deployment, row.path({ a, b, ticket: "" }), {
        method: row.method,
        headers,
        ip: newAddress(),
        ...(row.body ? { body: row.body({ a, b, ticket: "" }) } : {}),
      })
      expect([401, 404], `${row.method} ${row.file} → ${status} ${text}`).toContain(status)
      if (row.file !== "metrics") expect(status).toBe(401)
    }
  expect(await readRows(deployment, b.tenantId)).toEqual(before)
})

test("X35 the master key opens no tenant's routes, and what it does is in that tenant's log", async ({
  deployment,
}) => {
  const { a, b } = await enterWorld(deployment)
  const master = deployment.masterKey
  const before = await readRows(deployment, b.tenantId)
  // On the console's own origin: the widget's sends a browser there.
  const console = { processUrls: [deployment.appUrl] }
  for (const row of routeRows.filter(({ door }) => door !== "public" && door !== "operator"))
    for (const headers of [
      { "x-master-key": master },
      { authorization: `Bearer ${master}` },
      { "x-api-key": master },
      { "x-master-key": master, "x-tenant-id": b.tenantId },
    ] as Record<string, string>[]) {
      const body = row.body?.({ a, b, ticket: "" })
      const answer = await call(console, row.path({ a, b, ticket: "" }), {
        method: row.method,
        headers,
        ip: newAddress(),
        ...(body === undefined ? {} : { body }),
      })
      expect([401, 403, 404], `${row.method} ${row.file} → ${answer.status}`).toContain(
        answer.status,
      )
    }
  expect(await readRows(deployment, b.tenantId)).toEqual(before)

  const shop = await openShop(deployment)
  const operate = (method: string, path: string, body?: object) =>
    call(deployment, `/admin/tenants/${shop.tenantId}${path}`, {
      method,
      headers: { "x-master-key": master },
      ...(body ? { body } : {}),
    })
  await operate("PATCH", "", { status: "suspended" })
  await operate("PATCH", "", { status: "active" })
  await operate("POST", "/api-keys", { name: "Second key" })
  const log = await shop.api<{ data: { action: string; actor: { kind: string } }[] }>(
    "/v1/audit-events?limit=200",
  )
  const acts = log.body.data.filter(({ actor }) => actor.kind === "operator")
  expect(acts.map(({ action }) => action).sort()).toEqual(
    [
      "apiKey.created",
      "apiKey.created",
      "tenant.activated",
      "tenant.created",
      "tenant.suspended",
    ].sort(),
  )
  // A deleted tenant's log goes with it: that act stands in the deployment's own.
  expect((await operate("DELETE", "")).status).toBe(204)
  expect(deployment.logs()).toContain(`"tenantId":"${shop.tenantId}"`)
  expect(deployment.logs()).toContain("the operator deleted a tenant")
})

test("X36 everything A can take out, page by page and list by list, names nothing of B's", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const world = await enterWorld(deployment)
  const { a, b } = world
  const foreignIds = (await listIds(deployment, b.tenantId)).filter((id) => !id.startsWith("usr_"))
  expect(foreignIds.length).toBeGreaterThan(15)
  const taken: [string, string][] = []
  for (const path of listPaths(world)) taken.push([path, (await a.api(`${path}?limit=200`)).text])
  taken.push(["thread", (await a.api(`/v1/conversations/${a.conversationId}`)).text])
  // The files a console saves (CSV of leads, report of an incident) are made from what these pages hold.
  const pages = [...listPages(a), `/console/${a.tenantId}/leads`, `/console/${a.tenantId}/audit`]
  for (const path of pages) {
    const response = await fetch(deployment.appUrl + path, { headers: { cookie: a.ownerCookie } })
    taken.push([path, await response.text()])
  }
  const log = await fetch(`${deployment.appUrl}/api/console/${a.tenantId}/audit?limit=200`, {
    headers: { cookie: a.ownerCookie },
  })
  expect(log.status).toBe(200)
  taken.push(["audit export", await log.text()])
  for (const [path, text] of taken) {
    expect(text, path).not.toContain(canary)
    expect(
      foreignIds.filter((id) => text.includes(id)),
      path,
    ).toEqual([])
  }
})

/** A process and all that it started, and what they started. */
function listFamily(pid: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      const stat = existsSync(`/proc/${name}/stat`)
        ? readFileSync(`/proc/${name}/stat`, "utf8")
        : ""
      return [Number(name), Number(stat.slice(stat.lastIndexOf(")")).split(" ")[2])] as const
    })
  const children = parents.filter(([, parent]) => parent === pid).map(([child]) => child)
  return [pid, ...children.flatMap(listFamily)]
}

test("X15 what serves knows the app role's address alone, and does not start as another role", async ({
  deployment,
}) => {
  test.setTimeout(90_000)
  const { ownerUrl, superuserUrl, appUrl } = deployment.database
  const [port] = await findFreePorts(1)
  const env = { ...deployment.env, PORT: String(port), MIGRATION_DATABASE_URL: ownerUrl }
  const server = startProgram("runtime/start.ts", { ...env, DATABASE_URL: appUrl })
  try {
    await waitUntilHealthy(`http://127.0.0.1:${port}`, server)
    // The launcher migrates; what it starts is the web server and the worker.
    const serving = listFamily(server.process.pid!).slice(1)
    expect(serving.length).toBeGreaterThanOrEqual(2)
    for (const pid of serving) {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8")
      for (const secret of [ownerUrl, superuserUrl].map((url) => new URL(url).password))
        expect(environment.includes(secret), `process ${pid}`).toBe(false)
    }
  } finally {
    await server.stop()
  }
  for (const url of [ownerUrl, superuserUrl]) {
    const refused = startProgram("runtime/start.ts", {
      ...env,
      MIGRATION_DATABASE_URL: "",
      DATABASE_URL: url,
    })
    expect(await refused.exited).toBe(1)
    expect(refused.log()).toContain("does not keep tenants apart")
  }
})

// Last, because it ends A.
test("X33 of a deleted tenant no row is left in any table, its keys are dead, and B is as it was", async ({
  deployment,
}) => {
  const { a, b } = await enterWorld(deployment)
  const ids = await listIds(deployment, a.tenantId)
  const before = await readRows(deployment, b.tenantId)
  const gone = await call(deployment, `/admin/tenants/${a.tenantId}`, {
    method: "DELETE",
    headers: { "x-master-key": deployment.masterKey },
  })
  expect(gone.status).toBe(204)
  for (const process of [0, 1]) {
    expect((await a.api("/v1/bots", { process })).status).toBe(401)
    const chat = await call(deployment, "/api/embed/chat", {
      process,
      headers: { authorization: `Bearer ${a.session.token}` },
      body: { message: "Still there?" },
    })
    expect(chat.status).toBe(401)
    const ticket = await call(deployment, "/api/embed/ticket", {
      process,
      headers: { origin: a.origin },
      body: { key: a.key },
    })
    expect(ticket.status).toBe(401)
  }
  const page = await fetch(`${deployment.appUrl}/console/${a.tenantId}`, {
    redirect: "manual",
    headers: { cookie: a.ownerCookie },
  })
  expect(page.status).toBe(404)

  // People are nobody's rows: they may belong to other tenants.
  const wanted = ids.filter((id) => !id.startsWith("usr_"))
  const left = await withDatabase(deployment, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(`
      select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`)
    expect(tables.length).toBeGreaterThan(30)
    const found: string[] = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(
        `select t::text as row from ${name} t
         where exists (select from unnest($1::text[]) id where t::text like '%' || id || '%') limit 5`,
        [wanted],
      )
      found.push(...rows.map(({ row }) => `${name}: ${row.slice(0, 160)}`))
    }
    return found
  })
  expect(left).toEqual([])
  expect(await readRows(deployment, b.tenantId)).toEqual(before)
})
