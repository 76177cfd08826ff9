import { rounds } from "../attack/rounds.ts"
import { call, newAddress, openSession, openShop, sendMessage } from "../counter.ts"
import { findFreePorts, startWeb, waitUntilHealthy } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"

const readPolicy = (headers: Headers) => headers.get("content-security-policy") ?? ""

test("K27 only the key's own websites may frame the chat; a dead or unknown key gets one same empty page", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const frame = (key: string) => call(deployment, `/embed?key=${key}`)
  const live = await frame(shop.key)
  expect(readPolicy(live.headers)).toContain(`frame-ancestors ${shop.origin}`)
  expect(readPolicy(live.headers)).toContain(`connect-src ${deployment.widgetUrl}/api/embed/`)
  expect(live.headers.get("x-frame-options")).toBeNull()
  expect(live.headers.getSetCookie()).toEqual([])
  // Nothing of the tenant's is in the document: who may see it is decided by its frame.
  expect(live.text).not.toContain("Shop help")

  const dead = [await frame("pk_test_unknown"), await frame(""), await frame(shop.secretKey)]
  await shop.api(`/v1/embed-keys/${shop.keyId}`, { method: "PATCH", body: { status: "disabled" } })
  dead.push(await frame(shop.key))
  for (const { headers, text } of dead) {
    expect(readPolicy(headers)).toContain("frame-ancestors 'none'")
    expect(text).toBe(dead[0]!.text)
  }
})

test("an emptied list of websites frames nowhere: an empty frame-ancestors would mean anywhere", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  await shop.api(`/v1/embed-keys/${shop.keyId}`, { method: "PATCH", body: { allowedOrigins: [] } })
  const { headers } = await call(deployment, `/embed?key=${shop.key}`)
  expect(readPolicy(headers)).toContain("frame-ancestors 'none'")
})

test("the console cannot be framed, keeps to itself, and is not served on the widget's origin", async ({
  deployment,
}) => {
  const page = await fetch(`${deployment.appUrl}/sign-in`)
  await page.text()
  expect(readPolicy(page.headers)).toContain("frame-ancestors 'none'")
  expect(readPolicy(page.headers)).not.toContain("unsafe-eval")
  expect(page.headers.get("cross-origin-opener-policy")).toBe("same-origin")
  expect(page.headers.get("x-content-type-options")).toBe("nosniff")
  for (const path of ["/sign-in", "/console", "/api/auth/session", "/"]) {
    const answer = await call(deployment, path)
    expect([path, answer.status]).toEqual([path, 307])
    expect(answer.headers.get("location")).toBe(`${deployment.appUrl}${path}`)
    expect(answer.headers.getSetCookie()).toEqual([])
  }
})

test("a ticket's answer is readable by its own website alone, and credentials are never allowed", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const buy = (origin: string) =>
    call(deployment, "/api/embed/ticket", {
      headers: { origin },
      body: { key: shop.key },
      ip: newAddress(),
    })
  const good = await buy(shop.origin)
  expect(good.headers.get("access-control-allow-origin")).toBe(shop.origin)
  expect(good.headers.get("vary")).toMatch(/origin/i)
  const evil = await buy("http://evil.localhost:4000")
  expect(evil.headers.get("access-control-allow-origin")).toBeNull()
  for (const { headers } of [good, evil]) {
    expect(headers.get("access-control-allow-credentials")).toBeNull()
    expect(headers.get("cache-control")).toBe("no-store")
  }
})

test("T23 a session token is worth nothing from another origin than the frame's", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const other = "https://blog.example.com"
  await shop.api(`/v1/embed-keys/${shop.keyId}`, {
    method: "PATCH",
    body: { allowedOrigins: [shop.origin, other] },
  })
  for (const origin of [shop.origin, other, "http://evil.localhost:4000", "null", ""]) {
    const answer = await sendMessage(deployment, token, "Hello?", { headers: { origin } })
    expect(answer.status, origin).toBe(401)
  }
  // Without any it is a program, which could write ours: the token is the proof, and the site it was bought
  // for is still looked up (README, Decisions).
  for (const headers of [{ origin: deployment.widgetUrl }, {}] as Record<string, string>[]) {
    const own = await sendMessage(deployment, token, "Hello?", { headers })
    expect(own.status).toBe(200)
    await own.text()
  }
})

test("K30 without trusted proxies no header makes one client look like many", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const [port] = await findFreePorts(1)
  const program = startWeb({ ...deployment.env, TRUSTED_PROXY_COUNT: "0" }, port!)
  try {
    const alone = { processUrls: [`http://127.0.0.1:${port}`] }
    await waitUntilHealthy(alone.processUrls[0]!, program)
    const statuses: number[] = []
    for (let i = 0; i < rounds(30, 1_000); i++) {
      const address = newAddress()
      const { status, headers } = await call(alone, "/api/embed/ticket", {
        headers: {
          origin: shop.origin,
          "x-forwarded-for": address,
          "x-real-ip": address,
          "cf-connecting-ip": address,
          forwarded: `for=${address}`,
          "x-coatcheck-client": address,
        },
        body: { key: shop.key },
      })
      statuses.push(status)
      if (status === 429) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
    }
    // Ten tickets a minute and address.
    expect(statuses.filter((status) => status === 201)).toHaveLength(10)
    expect(statuses.filter((status) => status === 429)).toHaveLength(statuses.length - 10)
  } finally {
    await program.stop()
  }
})

test("answers of every limited route say what is left of the rate that binds first", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const ip = newAddress()
  // draft-ietf-httpapi-ratelimit-headers-10: a list of one quoted name with integer parameters.
  const read = (headers: Headers) => {
    const [, left, seconds] = /^"default";r=(\d+);t=(\d+)$/.exec(headers.get("ratelimit") ?? "")!
    const [, quota, window] = /^"default";q=(\d+);w=(\d+)$/.exec(
      headers.get("ratelimit-policy") ?? "",
    )!
    expect(Number(seconds)).toBeLessThanOrEqual(Number(window))
    return { left: Number(left), quota: Number(quota), window: Number(window) }
  }
  const buy = () =>
    call<{ ticket: string }>(deployment, "/api/embed/ticket", {
      headers: { origin: shop.origin },
      body: { key: shop.key },
      ip,
    })
  const [first, second] = [await buy(), await buy()]
  expect(read(first.headers)).toEqual({ left: 9, quota: 10, window: 60 })
  expect(read(second.headers)).toEqual({ left: 8, quota: 10, window: 60 })

  const redeem = { body: { ticket: first.body.ticket }, ip }
  const session = await call<{ token: string }>(deployment, "/api/embed/session", redeem)
  expect(session.status).toBe(201)
  // It has no quota of its own: what it stands behind is the guard against floods.
  expect(read(session.headers)).toMatchObject({ quota: 6_000, window: 60 })

  const chat = await sendMessage(deployment, session.body.token, "Hello?", { ip })
  expect(chat.status).toBe(200)
  expect(read(chat.headers)).toEqual({ left: 19, quota: 20, window: 60 })
  await chat.text()

  const before = read((await shop.api("/v1/bots")).headers)
  const after = read((await shop.api("/v1/bots")).headers)
  expect(before).toMatchObject({ quota: 600, window: 60 })
  expect(after.left).toBe(before.left - 1)
})
