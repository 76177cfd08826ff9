import {
  ask,
  buyTicket,
  call,
  expectCall,
  newAddress,
  openSession,
  openShop,
  returnsQuestion,
  type Shop,
  sendMessage,
} from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import { routeRows } from "../walls/matrix.ts"
import type { Tenant } from "../walls/two-tenants.ts"
import {
  expectRefusal,
  type Key,
  makeKey,
  readClaims,
  runSql,
  shopSite,
  showKey,
} from "./counter-attacks.ts"
import { rounds } from "./rounds.ts"
import { measureSeparation, separationLimit } from "./timing.ts"

// The exchange at the counter, attacked: what a key buys, from where, and what a wrong one learns.

const hex = () => crypto.randomUUID().replaceAll("-", "").slice(0, 24)

type Scene = { deployment: Deployment; shop: Shop; key: Key }
let made: Promise<Scene> | null = null

/** One tenant with a live key for the whole file; a test that spoils its key makes one of its own. */
function enter(deployment: Deployment): Promise<Scene> {
  made ??= (async () => {
    const shop = await openShop(deployment)
    return { deployment, shop, key: await makeKey(shop) }
  })()
  return made
}

const operate = (deployment: Deployment, tenantId: string, method: string, body?: object) =>
  call(deployment, `/admin/tenants/${tenantId}`, {
    method,
    headers: { "x-master-key": deployment.masterKey },
    ...(body ? { body } : {}),
  })

test("K01 what is no key, and what is no ticket, is refused without a trace of an error", async ({
  deployment,
}) => {
  await enter(deployment)
  const values: unknown[] = ["", null, [], {}, { $ne: null }, true, 0, "x".repeat(1_000_000)]
  const bodies = ["{}", "null", '""', "[]", "true", ...values.map((key) => JSON.stringify({ key }))]
  for (const body of bodies) {
    const headers = { "content-type": "application/json" }
    const what = `key ${body.slice(0, 40)}`
    const atCounter = await showKey(deployment, null, { body, headers })
    expectRefusal(atCounter, body.length > 10_000 ? 413 : [401, 422], what)
    const redeemed = await call(deployment, "/api/embed/session", {
      ip: newAddress(),
      headers,
      body: body.replace('"key"', '"ticket"'),
    })
    expectRefusal(redeemed, body.length > 10_000 ? 413 : [401, 422], `ticket ${body.slice(0, 40)}`)
  }
})

test("K02 unknown, revoked, deleted and a deleted tenant's: one answer, whatever the reason", async ({
  deployment,
}) => {
  const { shop, key } = await enter(deployment)
  const [off, deleted] = [await makeKey(shop), await makeKey(shop)]
  await shop.api(`/v1/embed-keys/${off.id}`, { method: "PATCH", body: { status: "disabled" } })
  await shop.api(`/v1/embed-keys/${deleted.id}`, { method: "DELETE" })
  const [suspended, gone] = [await openShop(deployment), await openShop(deployment)]
  await operate(deployment, suspended.tenantId, "PATCH", { status: "suspended" })
  await operate(deployment, gone.tenantId, "DELETE")
  const keys = [
    `pk_live_${hex()}_${hex()}`,
    `pk_live_${key.id.slice(4)}_${hex()}`,
    off.key,
    deleted.key,
    suspended.key,
    gone.key,
  ]
  const answers = await Promise.all(keys.map((each) => showKey(deployment, each)))
  const shapes = answers.map(({ status, headers, body: { requestId: _, ...body } }) => ({
    status,
    body,
    headers: [...headers].filter(([name]) => !["date", "x-request-id"].includes(name)),
  }))
  for (const answer of answers) expectRefusal(answer, 401)
  for (const shape of shapes) expect(shape).toEqual(shapes[0])
})

test("K03 an API key shown at the counter buys nothing, and its owner is told", async ({
  deployment,
}) => {
  const { shop } = await enter(deployment)
  expectRefusal(await showKey(deployment, shop.secretKey, { origin: "https://evil.test" }), 401)
  const events = await shop.api<{ data: { action: string; after: object }[] }>("/v1/audit-events")
  const leak = events.body.data.find(({ action }) => action === "apiKey.usedInBrowser")
  expect(leak?.after).toEqual({ website: "https://evil.test" })
})

test("K04 the master key shown at the counter buys nothing and stands in no log", async ({
  deployment,
}) => {
  expectRefusal(await showKey(deployment, deployment.masterKey), 401)
  expect(deployment.logs()).not.toContain(deployment.masterKey)
})

test("K05 a live key as a credential opens no route at all, its own tenant's ids notwithstanding", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const { shop, key } = await enter(deployment)
  const own = { ...shop, key: key.key, session: await openSession(deployment, shop) }
  // Of whatever else a tenant can have it has none: such an id reads as one that nothing has.
  const tenant = new Proxy(own, {
    get: (known, name) => Reflect.get(known, name) ?? `x_${hex()}`,
  }) as unknown as Tenant
  const world = { a: tenant, b: tenant, ticket: "" }
  const ways: Record<string, string>[] = [
    { authorization: `Bearer ${key.key}` },
    { "x-api-key": key.key },
  ]
  for (const row of routeRows.filter(({ door }) => door !== "public"))
    for (const way of ways) {
      const body = row.body?.(world)
      // At the console's own address: the widget's would send a browser there.
      const answer = await call({ processUrls: [deployment.appUrl] }, row.path(world), {
        method: row.method,
        ip: newAddress(),
        headers: { ...row.headers?.(world), ...way },
        ...(body === undefined ? {} : { body }),
      })
      expectRefusal(answer, 401, `${row.method} ${row.path(world)}`)
    }
})

test("K06 a ticket and its session are for the key's own bot and tenant, whatever else is asked for", async ({
  deployment,
}) => {
  const { shop, key } = await enter(deployment)
  const other = await openShop(deployment)
  const second = await expectCall<{ id: string }>(deployment, 201, "/v1/bots", {
    headers: { authorization: `Bearer ${shop.secretKey}` },
    body: { name: "Second" },
  })
  await shop.api(`/v1/bots/${second.id}`, { method: "PATCH", body: { published: true } })
  const own = { tenantId: shop.tenantId, botId: shop.botId }
  const attempts = [
    { body: { bot_id: second.id, tenant_id: other.tenantId, tenantId: other.tenantId } },
    { headers: { "x-tenant-id": other.tenantId, "x-bot-id": second.id } },
    { path: `?tenant=${other.tenantId}&tenantId=${other.tenantId}&botId=${second.id}` },
  ]
  for (const { body = {}, headers = {}, path = "" } of attempts) {
    const { ticket } = await expectCall<{ ticket: string }>(
      deployment,
      201,
      `/api/embed/ticket${path}`,
      {
        ip: newAddress(),
        headers: { origin: shopSite, ...headers },
        body: { key: key.key, ...body },
      },
    )
    expect(readClaims(ticket)).toMatchObject(own)
    const { bot } = await expectCall<{ bot: { id: string } }>(
      deployment,
      201,
      `/api/embed/session${path}`,
      { ip: newAddress(), headers, body: { ticket, ...body } },
    )
    expect(bot.id).toBe(shop.botId)
  }
  for (const botId of [second.id, other.botId])
    expectRefusal(await showKey(deployment, key.key, { body: { key: key.key, botId } }), 401)
})

test("K08 a key in any other spelling is another key", async ({ deployment }) => {
  const { key } = await enter(deployment)
  const spellings = [
    key.key.toUpperCase(),
    `${key.key}\n`,
    ` ${key.key}`,
    `${key.key}\u0000`,
    `${key.key}%00`,
    `${key.key}\u200b`,
    `${key.key.slice(0, 9)}\u200b${key.key.slice(9)}`,
    key.key.replace("pk_", "рk_"),
    key.key.replace(/[0-9]/, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    key.key.replace("live", "test"),
  ]
  for (const spelling of spellings)
    expectRefusal(await showKey(deployment, spelling), 401, JSON.stringify(spelling))
})

const refusedOrigins: [string, string | null, string][] = [
  ["K09", null, "no Origin at all"],
  ["K10", "null", "the opaque origin"],
  ["K12", "http://shop.example.com", "another scheme"],
  ["K15", "https://shop.example.com.evil.test", "the site as the beginning of another"],
  ["K16", "https://evilshop.example.com", "the site as the end of another"],
  ["K16", "https://shopXexample.com", "a dot that is any letter"],
  ["K16", "https://shop.example.com-evil.test", "the site before a hyphen"],
]
for (const [id, origin, what] of refusedOrigins)
  test(`${id} ${what} (${origin}) is refused and written down`, async ({ deployment }) => {
    const { shop } = await enter(deployment)
    const own = await makeKey(shop)
    const answer = await showKey(deployment, own.key, { origin })
    expectRefusal(answer, 403)
    expect(answer.body.code).toBe(origin === null ? "origin_required" : "origin_refused")
    const counted = await runSql(
      deployment,
      "select reason, count from refusals where key_id = $1",
      [own.id],
    )
    expect(counted).toEqual([{ reason: answer.body.code, count: 1 }])
  })

test("K14 upper and lower case are one website, when it is saved and when it comes", async ({
  deployment,
}) => {
  const { shop } = await enter(deployment)
  const shouted = "HTTPS://SHOP.EXAMPLE.COM"
  const own = await makeKey(shop, { allowedOrigins: [shouted] })
  expect(own.allowedOrigins).toEqual([shopSite])
  for (const origin of [shouted, shopSite]) {
    const { status, body, headers } = await showKey(deployment, own.key, { origin })
    expect(status).toBe(201)
    expect(readClaims(String(body.ticket)).origin).toBe(shopSite)
    expect(headers.get("access-control-allow-origin")).toBe(shopSite)
  }
})

test("K20 a star covers any depth below its domain and not the domain", async ({ deployment }) => {
  const { shop } = await enter(deployment)
  const own = await makeKey(shop, { allowedOrigins: ["*.example.com"] })
  const come = async (origin: string) => (await showKey(deployment, own.key, { origin })).status
  expect(await come("https://a.example.com")).toBe(201)
  expect(await come("https://a.b.example.com")).toBe(201)
  expect(await come("https://example.com")).toBe(403)
  expect(await come("https://aexample.com")).toBe(403)
})

test("K21 what is no one website can't be saved, on a new key or on one that is there", async ({
  deployment,
}) => {
  const { shop, key } = await enter(deployment)
  const bad = [
    "*",
    "https://*",
    "*.com",
    "*.co.uk",
    "*.github.io",
    "null",
    "file:///",
    "javascript:x",
    "https://shop.example.com/path",
    "https://shop.example.com?query=1",
    "https://user:password@shop.example.com",
    "http://127.0.0.1",
    "http://localhost:3000",
  ]
  for (const origin of bad) {
    const body = { allowedOrigins: [origin] }
    const created = await shop.api(`/v1/bots/${shop.botId}/embed-keys`, { body })
    const changed = await shop.api(`/v1/embed-keys/${key.id}`, { method: "PATCH", body })
    expect([origin, created.status, changed.status]).toEqual([origin, 422, 422])
  }
  const { body } = await shop.api<Key>(`/v1/embed-keys/${key.id}`)
  expect(body.allowedOrigins).toEqual([shopSite])
})

test("K23 a Referer is no Origin", async ({ deployment }) => {
  const { key } = await enter(deployment)
  const headers = { referer: `${shopSite}/page` }
  expectRefusal(await showKey(deployment, key.key, { origin: null, headers }), 403)
  expectRefusal(await showKey(deployment, key.key, { origin: "https://evil.test", headers }), 403)
})

test("K24 a key without websites admits nobody", async ({ deployment }) => {
  const { shop } = await enter(deployment)
  const own = await makeKey(shop, { allowedOrigins: [] })
  for (const origin of [shopSite, "https://evil.test", null, "null", ""])
    expectRefusal(await showKey(deployment, own.key, { origin }), 403, String(origin))
})

test("K25 our own origins buy nothing, also on a key whose list would take them", async ({
  deployment,
}) => {
  const { shop, key } = await enter(deployment)
  const { appUrl, widgetUrl, processUrls } = deployment
  const wide = await makeKey(shop, { mode: "test", allowedOrigins: [appUrl, widgetUrl] })
  for (const own of [key, wide])
    for (const origin of [appUrl, widgetUrl, processUrls[0]!])
      expectRefusal(await showKey(deployment, own.key, { origin }), 403, origin)
})

test("K26 a website that is named anywhere but in Origin is not believed", async ({
  deployment,
}) => {
  const { key } = await enter(deployment)
  const claims = { embed_origin: shopSite, parent: shopSite, origin: shopSite, page: shopSite }
  for (const origin of ["https://evil.test", null]) {
    const inBody = { origin, body: { key: key.key, ...claims } }
    expectRefusal(await showKey(deployment, key.key, inBody), 403)
    const headers = {
      "x-embed-origin": shopSite,
      "x-forwarded-origin": shopSite,
      "x-forwarded-host": "shop.example.com",
    }
    expectRefusal(await showKey(deployment, key.key, { origin, headers }), 403)
    const query = new URLSearchParams(claims)
    const inQuery = await call(deployment, `/api/embed/ticket?${query}`, {
      ip: newAddress(),
      headers: origin === null ? {} : { origin },
      body: { key: key.key },
    })
    expectRefusal(inQuery, 403)
  }
})

test("K28 no page of another website gets the frame shown, or a session out of it", async ({
  deployment,
  sites,
  page,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  const refused: string[] = []
  page.on("console", (message) => refused.push(message.text()))
  const frame = `<iframe src="${deployment.widgetUrl}/embed?key=${shop.key}"></iframe>`
  await page.goto(sites.evil.publish("/frame", `<!doctype html><title>Evil</title>${frame}`))
  await expect.poll(() => refused.join("\n")).toMatch(/frame-ancestors/)
  // The page tries the counter by itself as well, in every way a page has.
  const bought = await page.evaluate(
    async ({ url, key }) => {
      const body = JSON.stringify({ key })
      const attempts = [{}, { mode: "no-cors" }, { credentials: "include" }] as RequestInit[]
      const answers = attempts.map((more) =>
        fetch(`${url}/api/embed/ticket`, { method: "POST", body, ...more }).then(
          (answer) => answer.text(),
          () => "",
        ),
      )
      return Promise.all(answers)
    },
    { url: deployment.widgetUrl, key: shop.key },
  )
  expect(bought).toEqual(["", "", ""])
  const sessions = await runSql(deployment, "select 1 from sessions where tenant_id = $1", [
    shop.tenantId,
  ])
  expect(sessions).toEqual([])
})

test("K30 behind a trusted proxy too, what a client writes before the proxy's word changes nothing", async ({
  deployment,
}) => {
  const { shop } = await enter(deployment)
  const own = await makeKey(shop)
  const ip = newAddress()
  const statuses: number[] = []
  for (let i = 0; i < rounds(40, 1_000); i++) {
    const forged = `203.0.113.${i % 250}`
    const headers = {
      "x-real-ip": forged,
      "cf-connecting-ip": forged,
      "true-client-ip": forged,
      forwarded: `for=${forged}`,
    }
    const { status } = await showKey(deployment, own.key, { ip: `${forged}, ${ip}`, headers })
    statuses.push(status)
  }
  expect(statuses.filter((status) => status === 201)).toHaveLength(10)
  expect(new Set(statuses)).toEqual(new Set([201, 429]))
})

test("K31 a preflight promises nothing: the real call is readable by the key's own website alone", async ({
  deployment,
}) => {
  const { key } = await enter(deployment)
  const credentials = "access-control-allow-credentials"
  for (const [origin, isGood] of [
    ["https://evil.test", false],
    [shopSite, true],
  ] as const) {
    const preflight = await call(deployment, "/api/embed/ticket", {
      method: "OPTIONS",
      ip: newAddress(),
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get(credentials)).toBeNull()
    expect(preflight.headers.get("vary")).toMatch(/origin/i)
    const real = await showKey(deployment, key.key, { origin })
    expect(real.status).toBe(isGood ? 201 : 403)
    expect(real.headers.get("access-control-allow-origin")).toBe(isGood ? origin : null)
    expect(real.headers.get(credentials)).toBeNull()
    expect(real.headers.get("vary")).toMatch(/origin/i)
  }
})

test("K32 no other method and no query buys a ticket or a session", async ({ deployment }) => {
  const { key } = await enter(deployment)
  for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
    for (const path of ["ticket", "session"]) {
      const answer = await call(deployment, `/api/embed/${path}?key=${key.key}`, {
        method,
        ip: newAddress(),
        headers: { origin: shopSite },
        ...(method === "PUT" || method === "PATCH" ? { body: { key: key.key } } : {}),
      })
      expectRefusal(answer, 405, `${method} ${path}`)
    }
  const inQuery = await call(deployment, `/api/embed/ticket?key=${key.key}`, {
    ip: newAddress(),
    headers: { origin: shopSite },
    body: {},
  })
  expectRefusal(inQuery, [401, 422])
})

test("K33 a bot or tenant that is out of service sells nothing; one whose money is spent quotes", async ({
  deployment,
}) => {
  const change = (shop: Shop, path: string, method: string, body?: object) =>
    shop.api(path, { method, ...(body ? { body } : {}) })
  const endings: ((shop: Shop) => Promise<unknown>)[] = [
    (shop) => change(shop, `/v1/bots/${shop.botId}`, "PATCH", { published: false }),
    (shop) => change(shop, `/v1/bots/${shop.botId}`, "DELETE"),
    (shop) => operate(deployment, shop.tenantId, "PATCH", { status: "suspended" }),
  ]
  for (const end of endings) {
    const shop = await openShop(deployment)
    const early = await buyTicket(deployment, shop)
    await end(shop)
    for (const process of [0, 1]) {
      expectRefusal(await showKey(deployment, shop.key, { origin: shop.origin, process }), 401)
      const redeemed = await call(deployment, "/api/embed/session", {
        ip: newAddress(),
        process,
        body: { ticket: early },
      })
      expectRefusal(redeemed, 401)
    }
  }
  // The contract's own answer to a spent cap: no call to the model, and the passages themselves.
  const spent = await openShop(deployment, { limits: { monthlySpendMinor: 0 } })
  const { token } = await openSession(deployment, spent)
  const marker = `spent ${newAddress()}`
  const { parts } = await ask(deployment, token, `${returnsQuestion} ${marker}`)
  expect(parts.find((part) => part.type === "data-answer")?.data).toMatchObject({ mode: "quotes" })
  expect(deployment.model.calls.some((each) => each.question.includes(marker))).toBe(false)
})

test("K35, T16 a rotation: both lines work through the overlap, the old one and its passes not a moment longer, on both processes", async ({
  deployment,
}) => {
  const { shop } = await enter(deployment)
  const old = await makeKey(shop)
  const site = { key: old.key, origin: shopSite }
  const rotate = async (overlapSeconds: number) => {
    const path = `/v1/embed-keys/${old.id}/rotate`
    return (await shop.api<Key>(path, { body: { overlapSeconds } })).body
  }
  const buys = async (key: string, process: number) =>
    (await showKey(deployment, key, { process })).status
  const says = async (token: string, process: number) => {
    const answer = await sendMessage(deployment, token, returnsQuestion, { process })
    await answer.text()
    return answer.status
  }
  const before = await openSession(deployment, site)
  const early = await buyTicket(deployment, site)
  const fresh = await rotate(3_600)
  for (const process of [0, 1]) {
    expect([await buys(old.key, process), await buys(fresh.key, process)]).toEqual([201, 201])
    expect(await says(before.token, process)).toBe(200)
  }
  // The hour passes: nobody does anything, only the clock.
  await runSql(
    deployment,
    "update embed_keys set previous_expires_at = now() - interval '1 second' where id = $1",
    [old.id],
  )
  for (const process of [0, 1]) {
    expect([await buys(old.key, process), await buys(fresh.key, process)]).toEqual([401, 201])
    expect(await says(before.token, process)).toBe(401)
  }
  const redeemed = await call(deployment, "/api/embed/session", { body: { ticket: early } })
  expectRefusal(redeemed, 401)
  // With no overlap at all: the very next request.
  const during = await openSession(deployment, { key: fresh.key, origin: shopSite })
  const last = await rotate(0)
  for (const process of [1, 0]) {
    expect([await buys(fresh.key, process), await buys(last.key, process)]).toEqual([401, 201])
    expect(await says(during.token, process)).toBe(401)
  }
})

test("K38 time tells nobody whether a key exists, was revoked, or is another website's", async ({
  deployment,
}) => {
  test.setTimeout(rounds(60_000, 600_000))
  const { shop, key } = await enter(deployment)
  const off = await makeKey(shop)
  await shop.api(`/v1/embed-keys/${off.id}`, { method: "PATCH", body: { status: "disabled" } })
  const unknown = () => showKey(deployment, `pk_live_${hex()}_${hex()}`)
  const others = {
    revoked: () => showKey(deployment, off.key),
    "another random part": () => showKey(deployment, `pk_live_${key.id.slice(4)}_${hex()}`),
    "another website": () => showKey(deployment, key.key, { origin: "https://evil.test" }),
  }
  const pairs = rounds(200, 2_000)
  for (const [what, other] of Object.entries(others)) {
    const separation = await measureSeparation(pairs, unknown, other, 4)
    expect(separation, `${what}: AUC ${separation}`).toBeLessThan(separationLimit(pairs))
  }
})
