import { call, expectCall, newAddress, openShop, returnsQuestion } from "../counter.ts"
import { expect, test } from "../fixtures.ts"
import { shopPage } from "../sites.ts"
import { askWidget, openWidget } from "../widget.ts"

// The bot check as a visitor does not notice it, and as a program meets it: on the real server.

type SoldTicket = { ticket: string; botCheck?: { challenge: unknown; isStrict: boolean } }
type Problem = { code: string }

test("a visitor writes while the browser works, and gets the answer", async ({
  page,
  deployment,
  sites,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  const changed = await shop.api(`/v1/embed-keys/${shop.keyId}`, {
    method: "PATCH",
    body: { botCheck: "always" },
  })
  expect(changed.body).toMatchObject({ botCheck: "always" })

  const broken: string[] = []
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) broken.push(message.text())
  })
  const session = page.waitForRequest((request) => request.url().endsWith("/api/embed/session"))
  const line = `<script async src="${deployment.widgetUrl}/embed.js" data-key="${shop.key}"></script>`
  await page.goto(sites.shop.publish("/bot-check", shopPage(line)))
  const frame = await openWidget(page)
  await askWidget(frame, returnsQuestion)
  expect((await session).postDataJSON()).toMatchObject({
    botCheck: { solution: { counter: expect.any(Number), derivedKey: expect.any(String) } },
  })
  await expect(frame.getByRole("log")).toContainText("30 days")
  expect(broken).toEqual([])
  const refusals = deployment.logs().match(/bot_check_required/g)
  expect(refusals).toBeNull()
})

test("a program that skips the work gets no session from either process", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  await shop.api(`/v1/embed-keys/${shop.keyId}`, {
    method: "PATCH",
    body: { botCheck: "always" },
  })
  const { ticket, botCheck } = await expectCall<SoldTicket>(deployment, 201, "/api/embed/ticket", {
    ip: newAddress(),
    headers: { origin: shop.origin },
    body: { key: shop.key },
  })
  expect(botCheck).toMatchObject({ isStrict: false })
  const solution = { counter: 1, derivedKey: "00".repeat(32) }
  const attempts = [
    {},
    { botCheck: null },
    { botCheck: { challenge: botCheck!.challenge, solution } },
  ]
  for (const [at, attempt] of attempts.entries()) {
    const answer = await call<Problem>(deployment, "/api/embed/session", {
      ip: newAddress(),
      process: at % 2,
      body: { ticket, ...attempt },
    })
    expect([answer.status, answer.body.code]).toEqual([403, "bot_check_required"])
  }
})
