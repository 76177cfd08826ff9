import { createServer } from "node:http"
import type { Browser, Frame } from "@playwright/test"
import { call, expectCall, newAddress, openShop, returnsQuestion, type Shop } from "../counter.ts"
import { type Deployment, startDeployment } from "../deployment.ts"
import { listenOnLoopback } from "../fake-model.ts"
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

test.describe("with Turnstile", () => {
  /** What Cloudflare's script does: takes the ticket's name along and hands out a token that knows it. */
  const script = `window.turnstile = { render: (box, { sitekey, cData, callback }) =>
    setTimeout(() => callback([sitekey, cData].join("/"))) }`
  let deployment: Deployment
  let verified: URLSearchParams[]
  let isAway: boolean
  let shop: Shop
  let line: string

  const verifier = createServer(async (request, response) => {
    let text = ""
    for await (const piece of request) text += piece
    if (isAway) return response.destroy()
    const form = new URLSearchParams(text)
    verified.push(form)
    const [siteKey, cdata] = form.get("response")!.split("/")
    const success = siteKey === "site-key" && form.get("secret") === "secret-key"
    response.writeHead(200, { "content-type": "application/json" })
    response.end(JSON.stringify({ success, hostname: "127.0.0.1", cdata }))
  })

  test.beforeAll(async ({ sites }) => {
    const port = await listenOnLoopback(verifier)
    deployment = await startDeployment({
      env: {
        TURNSTILE_SITE_KEY: "site-key",
        TURNSTILE_SECRET_KEY: "secret-key",
        TURNSTILE_VERIFY_URL: `http://127.0.0.1:${port}/siteverify`,
      },
    })
    shop = await openShop(deployment, { origin: sites.shop.origin })
    const path = `/v1/embed-keys/${shop.keyId}`
    await shop.api(path, { method: "PATCH", body: { botCheck: "always" } })
    line = `<script async src="${deployment.widgetUrl}/embed.js" data-key="${shop.key}"></script>`
  })

  test.afterAll(async () => {
    await deployment.stop()
    verifier.closeAllConnections()
    verifier.close()
  })

  test.beforeEach(() => {
    verified = []
    isAway = false
  })

  /** A new visitor whose browser gets Cloudflare's script, or does not. */
  async function visit(browser: Browser, url: string, loadsScript: boolean): Promise<Frame> {
    const page = await (await browser.newContext({ locale: "en-US" })).newPage()
    await page.route("https://challenges.cloudflare.com/**", (route) =>
      loadsScript
        ? route.fulfill({ contentType: "text/javascript", body: script })
        : route.abort("connectionrefused"),
    )
    await page.goto(url)
    return openWidget(page)
  }

  test("its token is verified for this ticket, and the visitor gets the answer", async ({
    browser,
    sites,
  }) => {
    const url = sites.shop.publish("/turnstile", shopPage(line))
    const frame = await visit(browser, url, true)
    await askWidget(frame, returnsQuestion)
    await expect(frame.getByRole("log")).toContainText("30 days")
    expect(verified.map((form) => form.get("response"))).toEqual([
      expect.stringMatching(/^site-key\/tkt_[0-9a-f]{24}$/),
    ])
    await frame.page().context().close()
  })

  test("a browser that blocks it stays outside while the verifier answers", async ({
    browser,
    sites,
  }) => {
    const frame = await visit(browser, sites.shop.publish("/blocked", shopPage(line)), false)
    // Refused before or after they press Enter: either way they are told, and get no answer.
    await frame.getByRole("textbox").fill(returnsQuestion)
    await frame.getByRole("textbox").press("Enter")
    await expect(frame.getByRole("alert")).toBeVisible()
    await expect(frame.getByRole("log")).not.toContainText("30 days")
    await frame.page().context().close()
  })

  test("while the verifier is away the visitor's own work is enough", async ({
    browser,
    sites,
  }) => {
    isAway = true
    const frame = await visit(browser, sites.shop.publish("/away", shopPage(line)), true)
    await askWidget(frame, returnsQuestion)
    await expect(frame.getByRole("log")).toContainText("30 days")
    expect(verified).toEqual([])
    await frame.page().context().close()
  })
})
