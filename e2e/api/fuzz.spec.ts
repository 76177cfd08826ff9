import { call, newAddress, openSession, openShop } from "../counter.ts"
import { expect, test } from "../fixtures.ts"

// Bad input gets a clear refusal. The one law: no 5xx, no stack, nothing of ours in the answer.

const strings = [
  "",
  " ",
  "null",
  "undefined",
  "true",
  "0",
  "-1",
  "1e309",
  "NaN",
  "'",
  '"',
  "';drop table bots;--",
  "1' or '1'='1",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an injection, on purpose
  "${7*7}",
  "{{7*7}}",
  "<script>alert(1)</script>",
  "../../../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "%00",
  "\u0000",
  "\ud800",
  "\u202e\u200b",
  "💥".repeat(300),
  "a".repeat(9_000),
  "ten_ffffffffffffffffffffffff",
  "bot_",
  "__proto__",
  "constructor",
  "ﬀ",
  "\r\nset-cookie: a=b",
]

const values: unknown[] = [
  ...strings,
  null,
  true,
  0,
  -1,
  1e308,
  [],
  [[]],
  {},
  { $ne: null },
  { __proto__: { isAdmin: true } },
  Array(500).fill({}),
]

const rawBodies = [
  "",
  "{",
  "[]",
  "null",
  '"text"',
  "{}{}",
  '{"a":1e400}',
  '{"a":"\\ud800"}',
  '{"__proto__":{"a":1}}',
  "[".repeat(20_000),
  "\xff\xfe",
  `{"message":"${"x".repeat(70_000)}"}`,
]

type Target = {
  path: string
  method: string
  headers: Record<string, string>
  fields: string[]
  status?: number[]
}

function expectClearRefusal(
  answer: { status: number; text: string; headers: Headers },
  what: string,
) {
  expect(answer.status, `${what} → ${answer.status} ${answer.text.slice(0, 300)}`).toBeLessThan(500)
  expect(answer.text, what).not.toMatch(/node_modules|\bat \S+ \(|prisma|SQLSTATE|\/\.next\//i)
  if (answer.status < 400) return
  if (/json/.test(answer.headers.get("content-type") ?? ""))
    expect(answer.headers.get("cache-control"), what).toContain("no-store")
}

test("no body, field, query or identifier makes the server answer with a 5xx", async ({
  deployment,
}) => {
  test.setTimeout(180_000)
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const api = { authorization: `Bearer ${shop.secretKey}` }
  const visitor = { authorization: `Bearer ${token}` }
  const operator = { "x-master-key": deployment.masterKey }
  const origin = { origin: shop.origin }
  const targets: Target[] = [
    { path: "/api/embed/ticket", method: "POST", headers: origin, fields: ["key", "botId"] },
    {
      path: "/api/embed/session",
      method: "POST",
      headers: {},
      fields: ["ticket", "visitorSecret", "page"],
    },
    {
      path: "/api/embed/feedback",
      method: "POST",
      headers: visitor,
      fields: ["messageId", "value"],
    },
    {
      path: "/api/embed/leads",
      method: "POST",
      headers: visitor,
      fields: ["name", "email", "phone", "message"],
    },
    { path: "/api/embed/chat", method: "POST", headers: visitor, fields: ["clientMessageId"] },
    {
      path: "/v1/bots",
      method: "POST",
      headers: api,
      fields: ["name", "color", "locale", "starters", "position"],
    },
    {
      path: `/v1/bots/${shop.botId}`,
      method: "PATCH",
      headers: api,
      fields: ["name", "published", "tenantId", "label"],
    },
    {
      path: `/v1/bots/${shop.botId}/sources`,
      method: "POST",
      headers: api,
      fields: ["title", "text", "question", "answer", "url"],
    },
    {
      path: `/v1/bots/${shop.botId}/search`,
      method: "POST",
      headers: api,
      fields: ["query", "limit"],
    },
    {
      path: `/v1/bots/${shop.botId}/embed-keys`,
      method: "POST",
      headers: api,
      fields: ["mode", "allowedOrigins", "limits", "botIds"],
    },
    {
      path: `/v1/embed-keys/${shop.keyId}`,
      method: "PATCH",
      headers: api,
      fields: ["allowedOrigins", "limits", "name", "botIds"],
    },
    {
      path: "/v1/api-keys",
      method: "POST",
      headers: api,
      fields: ["name", "scopes", "defaultBotId"],
    },
    { path: "/admin/tenants", method: "POST", headers: operator, fields: ["name", "ownerEmail"] },
    {
      path: `/admin/tenants/${shop.tenantId}`,
      method: "PATCH",
      headers: operator,
      fields: ["limits"],
    },
  ]
  const valid: Record<string, unknown> = {
    key: shop.key,
    message: "Hello",
    name: "Name",
    title: "Title",
    text: "Some text.",
    query: "refund",
    messageId: "msg_x",
    value: "up",
    email: "a@example.com",
    mode: "test",
  }
  for (const target of targets) {
    const { path, method, headers } = target
    const attempt = async (body: unknown, what: string) =>
      expectClearRefusal(
        await call(deployment, path, {
          method,
          headers: { "content-type": "application/json", ...headers },
          body: typeof body === "string" ? body : JSON.stringify(body),
          ip: newAddress(),
        }),
        `${method} ${path} ${what}`,
      )
    for (const raw of rawBodies) await attempt(raw, raw.slice(0, 60))
    for (const field of target.fields) {
      const others = Object.fromEntries(Object.entries(valid).filter(([name]) => name !== field))
      for (const value of values)
        await attempt(
          { ...others, [field]: value },
          `${field}=${JSON.stringify(value)?.slice(0, 60)}`,
        )
    }
  }
})

test("no path parameter, query value or odd header makes the server answer with a 5xx", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const shop = await openShop(deployment)
  const api = { authorization: `Bearer ${shop.secretKey}` }
  const paths = (value: string) => {
    const v = encodeURIComponent(value.toWellFormed())
    return [
      `/v1/bots/${v}`,
      `/v1/sources/${v}`,
      `/v1/embed-keys/${v}`,
      `/v1/conversations/${v}`,
      `/v1/bots?cursor=${v}`,
      `/v1/conversations?limit=${v}&filter=${v}&botId=${v}`,
      `/v1/leads?cursor=${v}&botId=${v}`,
      `/v1/audit-events?cursor=${v}`,
      `/v1/usage?days=${v}`,
      `/embed?key=${v}&via=${v}`,
      `/api/embed/config?key=${v}&botId=${v}`,
    ]
  }
  for (const value of strings)
    for (const path of paths(value))
      expectClearRefusal(
        await call(deployment, path, { headers: api }),
        `GET ${path.slice(0, 100)}`,
      )
  const oddHeaders: Record<string, string>[] = [
    { authorization: "Bearer" },
    { authorization: `Bearer ${"a".repeat(8_000)}` },
    { authorization: "Basic Og==" },
    { "x-api-key": "sk_" },
    { "content-type": "multipart/form-data" },
    { "content-type": "multipart/form-data; boundary=x" },
    { "content-type": "application/json; charset=utf-16" },
    { "content-type": "application/xml" },
    { "content-encoding": "gzip", "content-type": "application/json" },
    { cookie: `coatcheck.session=${"x".repeat(2_000)}` },
    { origin: "null" },
    { origin: "http://[::1" },
    { "x-forwarded-for": "zebra, ::ffff:1.2.3.4, [::1" },
    { "x-coatcheck-client": "127.0.0.1" },
    { "x-forwarded-host": "evil.example" },
    { "x-middleware-subrequest": "middleware:middleware:middleware" },
    { "next-action": "00".repeat(20) },
    { rsc: "1", "next-router-state-tree": "%%%" },
    { "x-http-method-override": "DELETE" },
  ]
  for (const headers of oddHeaders)
    for (const [path, method] of [
      ["/api/embed/ticket", "POST"],
      ["/api/embed/chat", "POST"],
      [`/v1/bots/${shop.botId}/sources`, "POST"],
      ["/v1/bots", "GET"],
      ["/sign-in", "GET"],
      ["/sign-up", "POST"],
      [`/console/${shop.tenantId}`, "GET"],
    ] as const) {
      const isSigned = path.startsWith("/v1") && !("authorization" in headers)
      const answer = await call(deployment, path, {
        method,
        headers: { ...(isSigned ? api : {}), ...headers },
        ...(method === "POST" ? { body: '{"key":"x"}' } : {}),
      })
      expectClearRefusal(answer, `${method} ${path} ${JSON.stringify(headers).slice(0, 80)}`)
    }
})

test("a route answers its own methods and 405 for every other", async ({ deployment }) => {
  for (const [path, allowed] of [
    ["/api/embed/ticket", ["POST", "OPTIONS"]],
    ["/api/embed/session", ["POST", "OPTIONS"]],
    ["/api/embed/chat", ["POST", "OPTIONS"]],
    ["/api/embed/config", ["GET", "HEAD", "OPTIONS"]],
    ["/v1/usage", ["GET", "HEAD", "OPTIONS"]],
  ] as const)
    for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"]) {
      if ((allowed as readonly string[]).includes(method)) continue
      const { status } = await call(deployment, path, { method })
      expect(status, `${method} ${path}`).toBe(405)
    }
})

const badOrigins = [
  "*",
  "https://*",
  "*.com",
  "*.co.uk",
  "*.github.io",
  "null",
  "file:///",
  "javascript:x",
  "https://shop.example.com/path",
  "https://shop.example.com?x=1",
  "https://user@shop.example.com",
  "http://shop.example.com",
  "http://127.0.0.1",
  "http://localhost:3000",
  "ftp://shop.example.com",
  "https://203.0.113.7",
  "https://",
]

test("a website that would let in others is refused when it is saved, and nothing is stored", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const path = `/v1/bots/${shop.botId}/embed-keys`
  const key = await shop.api<{ id: string }>(path, { body: { allowedOrigins: [] } })
  for (const origin of badOrigins) {
    const allowedOrigins = ["https://good.example.com", origin]
    const made = await shop.api(path, { body: { mode: "live", allowedOrigins } })
    expect(made.status, origin).toBe(422)
    const changed = await shop.api(`/v1/embed-keys/${key.body.id}`, {
      method: "PATCH",
      body: { allowedOrigins },
    })
    expect(changed.status, origin).toBe(422)
  }
  const list = await shop.api<{ data: object[] }>(path)
  expect(list.body.data).toHaveLength(2)
  const kept = await shop.api(`/v1/embed-keys/${key.body.id}`)
  expect(kept.body.allowedOrigins).toEqual([])
})

test("tickets are sold to listed origins alone, whatever else a request claims", async ({
  deployment,
}) => {
  const shop = await openShop(deployment, { origin: "http://shop.localhost:4000" })
  const buy = async (headers: Record<string, string>, more: object = {}, query = "") =>
    (
      await call(deployment, `/api/embed/ticket${query}`, {
        headers,
        body: { key: shop.key, ...more },
        ip: newAddress(),
      })
    ).status
  expect(await buy({ origin: shop.origin })).toBe(201)
  const refusedOrigins = [
    "null",
    "http://shop.localhost",
    "https://shop.localhost:4000",
    "http://evil.localhost:4000",
    "http://shop.localhost:4000.evil.test",
    "http://evilshop.localhost:4000",
    "http://a.shop.localhost:4000",
    deployment.widgetUrl,
    deployment.appUrl,
  ]
  for (const origin of refusedOrigins) expect(await buy({ origin }), origin).toBe(403)
  expect(await buy({})).toBe(403)
  expect(await buy({ referer: `${shop.origin}/page` })).toBe(403)
  const evil = { origin: "http://evil.localhost:4000" }
  expect(await buy({ ...evil, "x-embed-origin": shop.origin })).toBe(403)
  expect(await buy(evil, { origin: shop.origin, parent: shop.origin })).toBe(403)
  expect(await buy(evil, {}, `?parent=${encodeURIComponent(shop.origin)}`)).toBe(403)
})

test("unknown, disabled and deleted keys get byte-identical answers", async ({ deployment }) => {
  const shop = await openShop(deployment)
  const answers = []
  const buy = (key: unknown) =>
    call(deployment, "/api/embed/ticket", { headers: { origin: shop.origin }, body: { key } })
  const strip = ({ status, text }: { status: number; text: string }) =>
    `${status} ${text.replace(/"requestId":"[^"]+"/, "")}`
  answers.push(strip(await buy(`${shop.key.slice(0, -4)}0000`)))
  answers.push(strip(await buy(shop.secretKey)))
  answers.push(strip(await buy({ $ne: null })))
  answers.push(strip(await buy(shop.key.toUpperCase())))
  answers.push(strip(await buy(`${shop.key}\n`)))
  await shop.api(`/v1/embed-keys/${shop.keyId}`, { method: "PATCH", body: { status: "disabled" } })
  answers.push(strip(await buy(shop.key)))
  await shop.api(`/v1/embed-keys/${shop.keyId}`, { method: "DELETE" })
  answers.push(strip(await buy(shop.key)))
  expect(new Set(answers).size).toBe(1)
  expect(answers[0]).toMatch(/^401 /)
})
