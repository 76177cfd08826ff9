import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { z } from "zod"
import { GET as getBot } from "#app/v1/bots/[bot]/route.ts"
import { GET as getConversation } from "#app/v1/conversations/[conversation]/route.ts"
import { errorTable, fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { createApiKey } from "#lib/keys/api-keys.ts"
import { clientHeader } from "#lib/limits/client-ip.ts"
import { guardFlood, rates } from "#lib/limits/rates.ts"
import { newSecret } from "#lib/secrets.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { type MadeTenant, makeEmbedKey, makeTenant, makeVisitor } from "#prisma/factories.ts"
import { json, route } from "./route.ts"

const tenantLimit = vi.hoisted(() => {
  // Before lib/env.ts is read: a rate that a test can use up.
  process.env.DEFAULT_RATE_LIMIT = "12"
  process.env.MASTER_API_KEY = "m".repeat(40)
  return 12
})

let tenant: MadeTenant
let fullKey: string
let weakKey: string

beforeAll(async () => {
  tenant = await makeTenant()
  fullKey = (await createApiKey(tenant.scope, { name: "full" })).secret
  weakKey = (await createApiKey(tenant.scope, { name: "weak", scopes: ["usage"] })).secret
})
afterAll(disconnect)

type Call = {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: BodyInit
  ip?: string
  params?: Record<string, string>
}

const newIp = () => `test-${newSecret(6)}`

function call(handler: ReturnType<typeof route>, options: Call = {}): Promise<Response> {
  const { path = "/x", params = {}, ip = newIp(), body } = options
  const headers = { [clientHeader]: ip, ...options.headers }
  const method = options.method ?? (body === undefined ? "GET" : "POST")
  const request = new Request(`http://127.0.0.1:3000${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  })
  return handler(request, { params: Promise.resolve(params) })
}

const withJson = (value: unknown, headers: Record<string, string> = {}): Call => ({
  body: typeof value === "string" ? value : JSON.stringify(value),
  headers: { "content-type": "application/json", ...headers },
})

const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code

describe("the order of steps", () => {
  const handle = vi.fn(async () => json({ ok: true }))
  const guarded = route({
    auth: "apiKey",
    permission: "bots.write",
    body: z.strictObject({ name: z.string() }),
    handle,
  })
  const bad = withJson({ nonsense: true })
  const withKey = (secret: string, rest: Call = bad): Call => ({
    ...rest,
    headers: { ...rest.headers, authorization: `Bearer ${secret}` },
  })

  test("a flood from one address is stopped before anything is looked up", async () => {
    const ip = newIp()
    // One minute's window: the clock stands still, so that the count cannot begin anew halfway.
    vi.useFakeTimers({ toFake: ["Date"] })
    for (let i = 0; i < rates["request.ip"].limit; i++) guardFlood(ip)
    const flooded = await call(guarded, { ...withKey(fullKey), ip })
    expect(flooded.status).toBe(429)
    expect(Number(flooded.headers.get("retry-after"))).toBeGreaterThanOrEqual(1)
    expect((await call(guarded, { ...bad, ip })).status).toBe(429)
    vi.useRealTimers()
  })

  test("then the credential, before right and body", async () => {
    expect((await call(guarded, bad)).status).toBe(401)
    expect((await call(guarded, withKey(`sk_${"0".repeat(48)}`))).status).toBe(401)
  })

  test("then the right, before the body", async () => {
    expect((await call(guarded, withKey(weakKey))).status).toBe(403)
  })

  test("then the body, before the handler", async () => {
    const response = await call(guarded, withKey(fullKey))
    expect(response.status).toBe(422)
    expect(handle).not.toHaveBeenCalled()
    const good = await call(guarded, withKey(fullKey, withJson({ name: "x" })))
    expect(good.status).toBe(200)
    expect(handle).toHaveBeenCalledTimes(1)
  })

  test("the caller's rate stands between the credential and the right", async () => {
    const busy = await makeTenant()
    const { secret } = await createApiKey(busy.scope, { name: "weak", scopes: ["usage"] })
    for (let i = 0; i < tenantLimit; i++)
      expect((await call(guarded, withKey(secret))).status).toBe(403)
    const refused = await call(guarded, withKey(secret))
    expect(refused.status).toBe(429)
    expect(refused.headers.get("ratelimit")).toMatch(/^"default";r=0;t=\d+$/)
    expect(refused.headers.get("ratelimit-policy")).toBe(`"default";q=${tenantLimit};w=60`)
    // Another tenant's callers notice nothing, and a wrong key is still a wrong key.
    expect((await call(guarded, withKey(weakKey))).status).toBe(403)
    expect((await call(guarded, bad)).status).toBe(401)
  })
})

describe("what a failure says", () => {
  const secretText = "select password from users -- /srv/app/lib/secret.ts"
  const failing = (error: unknown) =>
    route({
      auth: "public",
      handle: async () => {
        throw error
      },
    })
  const databaseError = Object.assign(new Error('relation "tenants" does not exist'), {
    code: "42P01",
    detail: secretText,
    stack: `Error\n at ${secretText}`,
  })

  test.each([
    ["an error nobody foresaw", new Error(secretText)],
    ["a database error", databaseError],
    ["a thrown text", secretText],
    ["nothing", undefined],
  ])("%s: 500, and not a word of it", async (_, error) => {
    const response = await call(failing(error))
    expect(response.status).toBe(500)
    const text = await response.text()
    expect(text).not.toMatch(/select|users|srv|relation|stack|Error:/)
    const [status, title, detail] = errorTable.internal
    expect(JSON.parse(text)).toEqual({
      type: expect.stringMatching(/internal$/),
      title,
      status,
      code: "internal",
      detail,
      requestId: response.headers.get("x-request-id"),
    })
  })

  test.each([
    ["ECONNREFUSED", new Error("connect ECONNREFUSED 10.0.0.5:5432")],
    ["a pool that has none left", new Error("timeout exceeded when trying to connect")],
    ["a transaction that could not start", Object.assign(new Error("P"), { code: "P2028" })],
    ["a server that shuts down", Object.assign(new Error("x"), { code: "57P01" })],
  ])("a database that is away (%s): 503, closed, and when to come back", async (_, error) => {
    const response = await call(failing(error))
    expect(response.status).toBe(503)
    expect(response.headers.get("retry-after")).toBe("2")
    expect(await response.text()).not.toMatch(/ECONN|5432|timeout|P2028/)
  })

  test("what is meant for the logs stays there", async () => {
    const response = await call(failing(fail("conflict", { internal: secretText })))
    expect(response.status).toBe(409)
    expect(await response.text()).not.toContain("select")
  })

  test("every refusal is a problem that nobody may store, with its request id", async () => {
    for (const code of Object.keys(errorTable) as (keyof typeof errorTable)[]) {
      const response = await call(failing(fail(code)))
      expect([code, response.status]).toEqual([code, errorTable[code][0]])
      expect(response.headers.get("content-type")).toBe("application/problem+json")
      expect(response.headers.get("cache-control")).toBe("no-store")
      expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/)
      expect(response.headers.get("set-cookie")).toBeNull()
    }
  })

  test("the operator's dialect says the same in its own words", async () => {
    const operator = route({ auth: "operator", dialect: "operator", handle: async () => json({}) })
    const response = await call(operator)
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({
      error: "unauthorized",
      message: errorTable.unauthorized[2],
    })
    const headers = { "x-master-key": "m".repeat(40) }
    expect((await call(operator, { headers })).status).toBe(200)
  })
})

describe("a body", () => {
  const echo = route({
    auth: "public",
    body: z.strictObject({ text: z.string() }),
    bodyBytes: 1_000,
    handle: async ({ body }) => json(body),
  })

  test.each([
    ["text/plain", { "content-type": "text/plain" }],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["multipart", { "content-type": "multipart/form-data; boundary=x" }],
    ["XML", { "content-type": "application/xml" }],
    ["JSON's neighbour", { "content-type": "application/jsonx" }],
  ])("as %s: 415", async (_, headers) => {
    const response = await call(echo, { body: '{"text":"x"}', headers })
    expect(response.status).toBe(415)
  })

  test("that does not say what it is, or is compressed: 415", async () => {
    const bytes = new TextEncoder().encode('{"text":"x"}')
    expect((await call(echo, { body: bytes })).status).toBe(415)
    const zipped = withJson({ text: "x" }, { "content-encoding": "gzip" })
    zipped.body = gzipSync('{"text":"x"}')
    expect((await call(echo, zipped)).status).toBe(415)
  })

  test.each(["", "{", "nul", '{"text":"x"', "{'text':1}", "\u0000", '{"text":"x"}}'])(
    "%j: 400",
    async (text) => {
      expect((await call(echo, withJson(text))).status).toBe(400)
    },
  )

  test("in other than UTF-8: 400", async () => {
    for (const bytes of [
      Buffer.from([0x7b, 0xc3, 0x28, 0x7d]),
      Buffer.from('{"text":"x"}', "utf16le"),
      Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    ]) {
      const response = await call(echo, { ...withJson(""), body: bytes })
      expect(response.status).toBe(400)
    }
  })

  test.each([
    "null",
    "[]",
    '"x"',
    "1",
    "true",
    "{}",
    '{"text":1}',
    '{"text":["x"]}',
    '{"text":null}',
    '{"text":{"$ne":null}}',
    '{"text":"x","tenantId":"ten_b"}',
    '{"text":"x","__proto__":{},"constructor":1}',
  ])("%s: 422 with what is wrong", async (text) => {
    const response = await call(echo, withJson(text))
    expect(response.status).toBe(422)
    const problem = (await response.json()) as { issues: { path: string; message: string }[] }
    expect(problem.issues.length).toBeGreaterThan(0)
  })

  test("beyond its limit: 413, also when it does not say its size or lies about it", async () => {
    expect((await call(echo, withJson({ text: "x".repeat(2_000) }))).status).toBe(413)
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(500).fill(32))
      },
    })
    const request = new Request("http://127.0.0.1:3000/x", {
      method: "POST",
      headers: { "content-type": "application/json", [clientHeader]: newIp() },
      body: stream,
      duplex: "half",
    } as RequestInit)
    const response = await echo(request, { params: Promise.resolve({}) })
    expect(response.status).toBe(413)
    expect((await call(echo, withJson({ text: "x" }, { "content-length": "9999" }))).status).toBe(
      413,
    )
  })

  test("with NUL or half a surrogate pair is stored as U+FFFD, never as an error", async () => {
    const response = await call(echo, withJson('{"text":"a\\u0000b\\ud800c"}'))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ text: "a\ufffdb\ufffdc" })
  })

  test("as text/plain is taken where the route says so", async () => {
    const plain = route({
      auth: "public",
      allowsTextPlain: true,
      body: z.strictObject({ text: z.string() }),
      handle: async ({ body }) => json(body),
    })
    const headers = { "content-type": "text/plain;charset=UTF-8" }
    expect((await call(plain, { body: '{"text":"x"}', headers })).status).toBe(200)
  })
})

describe("a credential of the wrong kind", () => {
  const open = (auth: "session" | "member" | "apiKey" | "operator") =>
    route({ auth, handle: async () => json({ opened: true }) })

  test("opens nothing, and every 401 is the same answer", async () => {
    const key = await makeEmbedKey(tenant.scope, tenant.botId)
    await import("#lib/bots/commands.ts").then(({ updateBot }) =>
      updateBot(tenant.scope, tenant.botId, { published: true }),
    )
    const visitor = await makeVisitor(key.key)
    const credentials = {
      nothing: "",
      embedKey: key.key,
      apiKey: fullKey,
      token: visitor.token,
      visitorSecret: visitor.visitorSecret,
      masterKey: "m".repeat(40),
      nonsense: "x",
    }
    const opens = { session: "token", member: "", apiKey: "apiKey", operator: "" }
    for (const [auth, right] of Object.entries(opens)) {
      for (const [name, value] of Object.entries(credentials)) {
        for (const headers of [{ authorization: `Bearer ${value}` }, { authorization: value }]) {
          const response = await call(open(auth as "session"), { headers })
          const isRight = name === right && headers.authorization.startsWith("Bearer ")
          expect([auth, name, response.status]).toEqual([auth, name, isRight ? 200 : 401])
        }
      }
    }
  })

  test("stands in headers only: a key in the query or a cookie is no key", async () => {
    const path = `/x?key=${fullKey}&api_key=${fullKey}&access_token=${fullKey}`
    expect((await call(open("apiKey"), { path })).status).toBe(401)
    const headers = { cookie: `sk=${fullKey}; authorization=Bearer ${fullKey}` }
    expect((await call(open("apiKey"), { headers })).status).toBe(401)
  })
})

describe("what is not there and what is not yours", () => {
  test("answer byte for byte the same, request id aside", async () => {
    const other = await makeTenant()
    const own = await makeTenant()
    const { secret } = await createApiKey(own.scope, { name: "reader" })
    const headers = { authorization: `Bearer ${secret}` }
    const read = async (handler: typeof getBot, params: Record<string, string>) => {
      const response = await call(handler, { headers, params })
      const text = await response.text()
      const requestId = response.headers.get("x-request-id") ?? ""
      const kept = Object.fromEntries(
        [...response.headers].filter(([name]) => name !== "x-request-id"),
      )
      return { status: response.status, text: text.replaceAll(requestId, "…"), headers: kept }
    }
    const foreign = await read(getBot, { bot: other.botId })
    expect(foreign.status).toBe(404)
    const ids = [
      newId("bot"),
      "x",
      "..%2f..%2fetc%2fpasswd",
      "%c0%ae",
      "'",
      "\u0000",
      "",
      tenant.tenantId,
    ]
    for (const bot of ids) expect(await read(getBot, { bot })).toEqual(foreign)
    expect(await read(getConversation, { conversation: newId("conversation") })).toEqual(foreign)
    expect(await codeOf(await call(getBot, { headers, params: { bot: "x" } }))).toBe("not_found")
  })
})
