import type { Browser, Page } from "@playwright/test"
import { call } from "./counter.ts"
import { scripts } from "./fake-model.ts"
import { expect, test } from "./fixtures.ts"
import { writePdf } from "./pdf.ts"
import { type Site, shopPage } from "./sites.ts"
import { askWidget, clickLauncher, findWidget, hasLauncher, openWidget } from "./widget.ts"

// The whole product in one go, in a real browser, on three origins: ours, a shop's and an evil one. The
// steps share what the steps before them made.

test.describe.configure({ mode: "serial" })

const password = "a long enough sentence"
const question = "How many days do I have to return a lamp after delivery?"
const refundPdf = writePdf([
  [
    "Returns at the Corner Shop",
    "You may return a lamp within 45 days after delivery, in its box.",
    "Refunds are paid to the card you used, within three working days.",
  ],
])

let owner: Page
let visitor: Page
let snippet = ""
let shopUrl = ""

async function newPage(browser: Browser): Promise<Page> {
  return (await browser.newContext({ locale: "en-US" })).newPage()
}

test.beforeAll(async ({ browser }) => {
  owner = await newPage(browser)
  visitor = await newPage(browser)
})

test.afterAll(async () => {
  await Promise.all([owner, visitor].map((page) => page.context().close()))
})

/** The key in the line that the owner was given. */
const readKey = () => /data-key="([^"]+)"/.exec(snippet)?.[1] ?? ""

function publishShop(shop: Site): string {
  return shop.publish("/lamps", shopPage(snippet))
}

test("a stranger signs up and lands in their first bot", async ({ deployment }) => {
  await owner.goto(`${deployment.appUrl}/sign-up`)
  await owner.getByLabel("Business name").fill("Corner Shop")
  await owner.getByLabel("E-mail").fill("owner@corner-shop.example")
  await owner.getByLabel("Password").fill(password)
  await owner.getByRole("button", { name: "Create account" }).click()
  await owner.waitForURL(/\/console\/ten_[^/]+\/bots\/bot_[^/]+$/)
  await expect(owner.getByRole("heading", { name: "Five steps until it’s live" })).toBeVisible()
})

test("they name the bot and give it a PDF, which is read while they watch", async () => {
  await owner.getByRole("textbox", { name: "Name", exact: true }).fill("Corner Shop help")
  await owner.getByRole("button", { name: "Use this name" }).click()
  await owner.getByLabel("Choose files").setInputFiles({
    name: "returns.pdf",
    mimeType: "application/pdf",
    buffer: refundPdf,
  })
  await expect(owner.getByText("It knows one source.")).toBeVisible({ timeout: 30_000 })
})

test("they ask it something in place and get an answer from the PDF", async () => {
  await owner.getByRole("button", { name: "Next step" }).click()
  const preview = await findWidget(owner)
  await askWidget(preview, question)
  await expect(preview.getByRole("log")).toContainText("within 45 days after delivery")
  await expect(preview.getByRole("button", { name: /^Source 1: / }).first()).toBeVisible()
})

test("they allow their website, publish, and copy the line", async ({ sites }) => {
  await owner.getByRole("button", { name: /^Allow your website/ }).click()
  await owner.getByRole("textbox", { name: "Allow a website" }).fill(sites.shop.origin)
  await owner.getByRole("button", { name: "Allow", exact: true }).click()
  await owner.getByRole("button", { name: "Publish", exact: true }).click()
  await expect(owner.getByText("Waiting for the first visit")).toBeVisible()
  await owner.context().grantPermissions(["clipboard-read", "clipboard-write"])
  await owner.getByRole("button", { name: "Copy the line" }).click()
  snippet = await owner.evaluate(() => navigator.clipboard.readText())
  expect(snippet).toMatch(/^<script async src="http:\/\/[^"]+\/embed\.js" data-key="pk_test_/)
})

test("a visitor of the shop asks and gets an answer with its source, opened in place", async ({
  sites,
}) => {
  shopUrl = publishShop(sites.shop)
  // A page that spies on every message: the test after this one asks what it learned.
  await visitor.addInitScript(() => {
    const heard: object[] = []
    Object.assign(window, { heard })
    addEventListener("message", ({ data, source }) => heard.push({ data, source }))
  })
  await visitor.goto(shopUrl)
  const chat = await openWidget(visitor)
  await askWidget(chat, question)
  await expect(chat.getByRole("log")).toContainText("within 45 days after delivery")
  await chat
    .getByRole("button", { name: /^Source 1: / })
    .last()
    .click()
  await expect(chat.getByRole("region", { name: "Source 1" })).toContainText(
    "You may return a lamp within 45 days after delivery",
  )
})

test("the page around the chat can read none of it, hears no word of it, and holds no secret", async () => {
  const seen = await visitor.evaluate(() => {
    const { heard } = window as unknown as { heard: { data: unknown; source: Window }[] }
    const frame = heard[0]!.source
    const attempt = (read: () => unknown) => {
      try {
        return read()
      } catch (error) {
        return (error as Error).name
      }
    }
    return {
      heard: heard.map(({ data }) => data),
      document: attempt(() => frame.document),
      storage: attempt(() => frame.localStorage),
      shadow: document.querySelector("coatcheck-widget")?.shadowRoot ?? null,
      frames: window.frames.length,
      stored: JSON.stringify({ ...localStorage, ...sessionStorage }),
      cookies: document.cookie,
      markup: document.documentElement.outerHTML,
    }
  })
  const { markup, ...rest } = seen
  expect(rest).toEqual({
    heard: [{ type: "coatcheck:ready" }],
    document: "SecurityError",
    storage: "SecurityError",
    shadow: null,
    frames: 0,
    stored: "{}",
    cookies: "",
  })
  expect(markup).not.toMatch(/45 days|sk_|eyJ/)
})

test("the same visitor is back after a reload, with what was said", async () => {
  await visitor.reload()
  const chat = await openWidget(visitor)
  await expect(chat.getByRole("log")).toContainText(question)
  await expect(chat.getByRole("log")).toContainText("within 45 days after delivery")
})

test("somebody else on the same page sees nothing of it", async ({ browser }) => {
  const stranger = await newPage(browser)
  await stranger.goto(shopUrl)
  const chat = await openWidget(stranger)
  await expect(chat.getByRole("log")).not.toContainText(question)
  await stranger.context().close()
})

test("on the evil page the browser refuses the frame and the server the ticket", async ({
  browser,
  deployment,
  sites,
}) => {
  const page = await newPage(browser)
  const refused: string[] = []
  page.on("console", (message) => refused.push(message.text()))
  const framed = `<iframe title="stolen" src="${deployment.widgetUrl}/embed?key=${readKey()}"></iframe>`
  await page.goto(sites.evil.publish("/steal", shopPage(`${snippet}${framed}`, "Evil")))
  await expect.poll(() => refused.join("\n")).toMatch(/frame-ancestors/)

  // Refused without CORS headers: the page cannot even read why.
  const ticket = page.waitForEvent("requestfailed", (sent) => sent.url().endsWith("/embed/ticket"))
  await clickLauncher(page)
  await ticket
  const bodies = await Promise.all(
    page
      .frames()
      .slice(1)
      .map((frame) => frame.locator("body").textContent()),
  )
  expect(bodies.join("")).not.toMatch(/Corner Shop help|Ask a question/)

  const forged = await call(deployment, "/api/embed/ticket", {
    headers: { origin: sites.evil.origin },
    body: { key: readKey() },
  })
  expect([forged.status, forged.body.code]).toEqual([403, "origin_refused"])
  await page.context().close()
})

test("the owner sees the website live and reads the conversation with its source", async ({
  sites,
}) => {
  await owner.reload()
  const { host } = new URL(sites.shop.origin)
  await expect(owner.getByText(host).first()).toBeVisible()
  await owner.getByRole("link", { name: "Conversations", exact: true }).click()
  await owner.getByRole("list", { name: "Conversations" }).getByRole("link").first().click()
  const thread = owner.getByRole("region", { name: "Thread" })
  await expect(thread).toContainText(question)
  await expect(thread).toContainText("within 45 days after delivery")
  const sources = thread.getByRole("list", { name: "Sources of this answer" })
  await sources.locator("summary").click()
  await expect(sources.getByText("Refunds are paid to the card you used")).toBeVisible()
  await expect(owner.getByRole("complementary", { name: "Facts" })).toContainText(host)
})

test("they switch the tag off: the answer being written is cut within a second, the next message is refused", async ({
  browser,
  deployment,
}) => {
  const chat = await findWidget(visitor)
  await askWidget(chat, `${question} ${scripts.slow}`)
  await deployment.model.waitForCall(scripts.slow, ({ tokensSent }) => tokensSent > 5)
  await expect(chat.getByRole("log")).toContainText("word3")

  await owner.getByRole("link", { name: "Embed", exact: true }).click()
  await owner.getByRole("switch").click()
  const done = owner.waitForResponse((response) => response.request().method() === "POST")
  await owner.getByRole("button", { name: "Switch off" }).click()
  await done
  const thrownAt = performance.now()
  await deployment.model.waitForCall(scripts.slow, ({ outcome }) => outcome === "aborted")
  expect(performance.now() - thrownAt).toBeLessThan(1_000)
  await expect(chat.getByText("This chat is not available right now.")).toBeVisible()
  expect(performance.now() - thrownAt).toBeLessThan(2_000)
  await expect(owner.getByRole("switch")).not.toBeChecked()

  await chat.getByRole("button", { name: "Try again" }).click()
  await expect(chat.getByText("This chat is not available right now.")).toBeVisible()
  const reopened = await newPage(browser)
  const config = reopened.waitForResponse((response) => response.url().includes("/embed/config"))
  await reopened.goto(shopUrl)
  expect(await (await config).json()).toEqual({ enabled: false })
  expect(await hasLauncher(reopened)).toBe(false)
  await reopened.context().close()
})

test("signing out ends the console on the next request, and signing in brings it back", async ({
  deployment,
}) => {
  const address = owner.url()
  await owner.goto(`${deployment.appUrl}/sign-out`)
  await owner.getByRole("button", { name: "Sign out" }).click()
  await owner.waitForURL((url) => !url.pathname.startsWith("/sign-out"))
  await owner.goto(address)
  await expect(owner).toHaveURL(/\/sign-in\?/)
  await owner.getByLabel("E-mail").fill("owner@corner-shop.example")
  await owner.getByLabel("Password").fill("not the password at all")
  await owner.getByRole("button", { name: "Sign in" }).click()
  await expect(owner.getByText("don’t go together")).toBeVisible()
  await owner.getByLabel("Password").fill(password)
  await owner.getByRole("button", { name: "Sign in" }).click()
  // Back to the very page that was asked for.
  await owner.waitForURL(address)
})
