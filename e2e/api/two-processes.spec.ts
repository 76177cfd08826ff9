import {
  ask,
  buyTicket,
  call,
  newAddress,
  openSession,
  openShop,
  type Part,
  returnsQuestion as question,
  readParts,
  sendMessage,
  wideLimits,
} from "../counter.ts"
import { scripts } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"

test("T15 a key switched off through one process is refused by the other on its next request", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const session = await openSession(deployment, shop, { process: 1 })
  const before = await ask(deployment, session.token, question, { process: 1 })
  expect(before.types).toContain("data-citation")
  const unused = await buyTicket(deployment, shop)

  const off = await shop.api(`/v1/embed-keys/${shop.keyId}`, {
    method: "PATCH",
    body: { status: "disabled" },
    process: 0,
  })
  expect(off.status).toBe(200)

  for (const process of [1, 0]) {
    const next = await sendMessage(deployment, session.token, question, { process })
    expect(next.status).toBe(401)
    const spend = await call(deployment, "/api/embed/session", {
      process,
      body: { ticket: unused },
    })
    expect(spend.status).toBe(401)
    const buy = await call(deployment, "/api/embed/ticket", {
      process,
      headers: { origin: shop.origin },
      body: { key: shop.key },
    })
    expect(buy.status).toBe(401)
    const look = await call(deployment, `/api/embed/config?key=${shop.key}`, { process })
    expect(look.body).toEqual({ enabled: false })
  }
})

test("what was cut off stays dead when the key is switched on again", async ({ deployment }) => {
  const shop = await openShop(deployment)
  const session = await openSession(deployment, shop)
  const turn = (status: string) =>
    shop.api(`/v1/embed-keys/${shop.keyId}`, { method: "PATCH", body: { status } })
  await turn("disabled")
  await turn("active")
  expect((await sendMessage(deployment, session.token, question)).status).toBe(401)
  const again = await openSession(deployment, shop, { visitorSecret: session.visitorSecret })
  expect(again.sessionId).not.toBe(session.sessionId)
  expect((await ask(deployment, again.token, question)).text).toContain("30 days")
})

test("one ticket is spent once by 50 concurrent redemptions across both processes", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  for (let round = 0; round < 3; round++) {
    const ticket = await buyTicket(deployment, shop)
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        call(deployment, "/api/embed/session", { process: i % 2, body: { ticket } }),
      ),
    )
    const statuses = answers.map((answer) => answer.status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(1)
    expect(statuses.filter((status) => status === 401)).toHaveLength(49)
  }
})

test("a daily limit of 7 lets exactly 7 of 50 concurrent messages through", async ({
  deployment,
}) => {
  const shop = await openShop(deployment, { limits: { ...wideLimits, messagesPerDay: 7 } })
  const sessions = []
  for (let i = 0; i < 50; i++)
    sessions.push(await openSession(deployment, shop, { process: i % 2 }))
  const answers = await Promise.all(
    sessions.map(async ({ token }, i) => {
      const response = await sendMessage(deployment, token, question, { process: i % 2 })
      const text = await response.text()
      return { status: response.status, text, retryAfter: response.headers.get("retry-after") }
    }),
  )
  const accepted = answers.filter((answer) => answer.status === 200)
  const refused = answers.filter((answer) => answer.status === 429)
  expect(accepted).toHaveLength(7)
  expect(refused).toHaveLength(43)
  for (const { text, retryAfter } of refused) {
    expect(JSON.parse(text).code).toBe("day_limit")
    expect(Number(retryAfter)).toBeGreaterThan(0)
  }
  const stored = await shop.api<{ data: { messageCount: number }[] }>("/v1/conversations?limit=200")
  expect(stored.body.data).toHaveLength(7)
})

test("T27 an open stream on the other process ends within a second of the switch, and so does the model call", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const session = await openSession(deployment, shop, { process: 1 })
  const marker = `${scripts.slow} cut ${newAddress()}`
  const response = await sendMessage(deployment, session.token, `${question} ${marker}`, {
    process: 1,
  })
  expect(response.status).toBe(200)
  const parts: Part[] = []
  const reading = (async () => {
    for await (const part of readParts(response)) parts.push(part)
  })()
  const modelCall = await deployment.model.waitForCall(marker, ({ tokensSent }) => tokensSent > 5)

  await shop.api(`/v1/embed-keys/${shop.keyId}`, {
    method: "PATCH",
    body: { status: "disabled" },
    process: 0,
  })
  const thrownAt = performance.now()
  await reading
  const endedAfterMs = performance.now() - thrownAt
  await deployment.model.waitForCall(marker, ({ outcome }) => outcome === "aborted")
  const abortedAfterMs = performance.now() - thrownAt

  expect(parts.map((part) => part.type)).toContain("data-revoked")
  expect(endedAfterMs).toBeLessThan(1_000)
  expect(abortedAfterMs).toBeLessThan(1_000)
  expect(modelCall.tokensSent).toBeLessThan(60)
})

for (const [name, change] of [
  ["the website is taken off the list", { path: "key", body: { allowedOrigins: [] } }],
  ["the bot is unpublished", { path: "bot", body: { published: false } }],
  ["the tenant is suspended", { path: "tenant", body: { status: "suspended" } }],
] as const) {
  test(`the next request is refused on both processes once ${name}`, async ({ deployment }) => {
    const shop = await openShop(deployment)
    const session = await openSession(deployment, shop)
    if (change.path === "tenant")
      await call(deployment, `/admin/tenants/${shop.tenantId}`, {
        method: "PATCH",
        headers: { "x-master-key": deployment.masterKey },
        body: change.body,
      })
    else
      await shop.api(
        change.path === "key" ? `/v1/embed-keys/${shop.keyId}` : `/v1/bots/${shop.botId}`,
        { method: "PATCH", body: change.body },
      )
    for (const process of [0, 1]) {
      expect((await sendMessage(deployment, session.token, question, { process })).status).toBe(401)
      const buy = await call(deployment, "/api/embed/ticket", {
        process,
        headers: { origin: shop.origin },
        body: { key: shop.key },
      })
      expect(buy.status).toBe(change.path === "key" ? 403 : 401)
    }
  })
}
