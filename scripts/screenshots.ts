import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import {
  type Browser,
  type BrowserContext,
  chromium,
  expect,
  type Frame,
  type Page,
} from "@playwright/test"
import { chromiumLaunchOptions } from "../e2e/chromium.ts"
import { scripts } from "../e2e/fake-model.ts"
import { type Gallery, openGallery } from "../e2e/gallery.ts"
import { shopPage } from "../e2e/sites.ts"
import { askWidget, clickLauncher, findWidget, hasLauncher, openWidget } from "../e2e/widget.ts"

// `npm run screenshots`: every page of the console and every state of the widget, light, dark and 360 px
// wide, into screenshots/. Fails on an axe violation and on a page that scrolls sideways.

const root = join(import.meta.dirname, "..")
const output = join(root, "screenshots")

type Look = { name: string; width: number; height: number; scheme: "light" | "dark" }

const looks: Look[] = [
  { name: "light", width: 1280, height: 860, scheme: "light" },
  { name: "dark", width: 1280, height: 860, scheme: "dark" },
  { name: "phone", width: 360, height: 740, scheme: "light" },
]

const faults: string[] = []
let pictures = 0

// axe-core comes with its Playwright adapter, which cannot look into a frame in a closed shadow root.
const require = createRequire(createRequire(import.meta.url).resolve("@axe-core/playwright"))
const { source: axeSource } = require("axe-core") as { source: string }

type AxeViolation = { id: string; help: string; nodes: { target: string[] }[] }
type AxeWindow = {
  axe: {
    run(context: Document, options: object): Promise<{ violations: AxeViolation[] }>
  }
}

async function examine(view: Page | Frame, name: string): Promise<void> {
  await view.evaluate(axeSource)
  const violations = await view.evaluate(async () => {
    const { axe } = window as unknown as AxeWindow
    return (await axe.run(document, { iframes: false, resultTypes: ["violations"] })).violations
  })
  for (const { id, help, nodes } of violations)
    faults.push(
      `${name}: ${id}: ${help} (${nodes.map((node) => node.target.join(" ")).join("; ")})`,
    )
  const overflow = await view.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
  if (overflow > 0) faults.push(`${name}: scrolls sideways by ${overflow} px`)
}

async function shoot(page: Page, name: string, isWhole: boolean): Promise<void> {
  await page.screenshot({
    path: join(output, `${name}.png`),
    fullPage: isWhole,
    animations: "disabled",
    caret: "hide",
  })
  pictures += 1
}

async function newContext(browser: Browser, look: Look): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.height },
    colorScheme: look.scheme,
    reducedMotion: "reduce",
    locale: "en-US",
    isMobile: look.width < 480,
    hasTouch: look.width < 480,
  })
  context.setDefaultTimeout(10_000)
  return context
}

type Stop = {
  name: string
  path: string
  /** Brings the page into the state that is to be seen. */
  act?: (page: Page) => Promise<unknown>
}

function listPublicStops(): Stop[] {
  return [
    { name: "landing", path: "/" },
    {
      name: "landing-demo",
      path: "/",
      act: (page) => page.getByRole("button", { name: "Talk to the real one" }).click(),
    },
    { name: "sign-in", path: "/sign-in" },
    { name: "sign-up", path: "/sign-up" },
    { name: "not-found", path: "/nothing-here" },
  ]
}

function listConsoleStops(gallery: Gallery): Stop[] {
  const tenant = `/console/${gallery.tenantId}`
  const bot = `${tenant}/bots/${gallery.botId}`
  const fresh = `${tenant}/bots/${gallery.freshBotId}`
  const step = (name: string) => async (page: Page) => {
    const button = page.getByRole("button", { name: new RegExp(`^${name}`) })
    if ((await button.getAttribute("aria-expanded")) !== "true") await button.click()
  }
  return [
    { name: "bots", path: tenant },
    {
      name: "new-bot",
      path: `${tenant}?new=bot`,
      act: (page) => expect(page.getByRole("dialog")).toBeVisible(),
    },
    { name: "overview", path: bot },
    { name: "first-run-1-name", path: fresh, act: step("Name the bot") },
    { name: "first-run-2-source", path: fresh, act: step("Add a source") },
    { name: "first-run-3-ask", path: fresh, act: step("Ask it something") },
    { name: "first-run-4-website", path: fresh, act: step("Allow your website") },
    { name: "first-run-5-paste", path: fresh, act: step("Paste the line") },
    { name: "conversations", path: `${bot}/conversations` },
    { name: "conversation", path: `${bot}/conversations/${gallery.conversationId}` },
    { name: "conversations-unanswered", path: `${bot}/conversations?filter=unanswered` },
    { name: "conversations-empty", path: `${fresh}/conversations` },
    { name: "knowledge", path: `${bot}/knowledge` },
    {
      name: "knowledge-source",
      path: `${bot}/knowledge`,
      act: async (page) => {
        await page.getByRole("link", { name: "Delivery" }).first().click()
        await expect(page.getByRole("dialog")).toBeVisible()
      },
    },
    { name: "knowledge-empty", path: `${fresh}/knowledge` },
    {
      name: "playground",
      path: `${bot}/playground`,
      act: async (page) => {
        const chat = await findWidget(page)
        await askWidget(chat, "How do I wash a wool blanket?")
        await expect(chat.getByRole("button", { name: "Helpful", exact: true })).toBeVisible()
        await page.getByRole("searchbox").fill("How do I wash a wool blanket?")
        await page.keyboard.press("Enter")
        await expect(page.getByRole("listitem").getByText("1", { exact: true })).toBeVisible()
      },
    },
    { name: "embed", path: `${bot}/embed` },
    {
      name: "embed-switch-off",
      path: `${bot}/embed`,
      act: async (page) => {
        await page.getByRole("switch", { checked: true }).first().click()
        await expect(page.getByRole("dialog").or(page.getByRole("alertdialog"))).toBeVisible()
      },
    },
    { name: "embed-empty", path: `${fresh}/embed` },
    { name: "bot-settings", path: `${bot}/settings` },
    { name: "leads", path: `${tenant}/leads` },
    { name: "usage", path: `${tenant}/usage` },
    { name: "team", path: `${tenant}/team` },
    { name: "api-keys", path: `${tenant}/api-keys` },
    { name: "audit", path: `${tenant}/audit` },
    { name: "settings", path: `${tenant}/settings` },
    {
      name: "palette",
      path: bot,
      act: async (page) => {
        await page.keyboard.press("ControlOrMeta+k")
        await expect(page.getByRole("dialog")).toBeVisible()
      },
    },
    { name: "console-not-found", path: `${tenant}/bots/bot_000000000000000000000000` },
    { name: "sign-out", path: "/sign-out" },
  ]
}

/** One picture that cannot be taken is a fault among others, not the end of the round. */
async function attempt(name: string, work: () => Promise<void>): Promise<void> {
  await work().catch((error: Error) => {
    faults.push(`${name}: ${error.message.split("\n").slice(0, 4).join(" ")}`)
  })
}

async function visit(page: Page, gallery: Gallery, stop: Stop, name: string): Promise<void> {
  await page.goto(gallery.deployment.appUrl + stop.path, { waitUntil: "load" })
  await settle(page)
  await stop.act?.(page)
  await settle(page)
  await shoot(page, name, true)
  await examine(page, name)
}

/** Fonts are in, skeletons are gone, and a preview has a chat in it that can be typed into. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(() => document.fonts.ready)
  await expect(page.getByRole("heading").first()).toBeVisible()
  await expect(page.locator('[class*="breathe_1600ms"]')).toHaveCount(0)
  if ((await page.locator("iframe").count()) > 0) await expectConnected(await findWidget(page))
  // A bar that sticks to the top would stand in the middle of a picture of the whole page.
  await page.evaluate(() => scrollTo(0, 0))
}

const expectConnected = (chat: Frame) => expect(chat.locator(".dot.up")).toBeVisible()

async function signIn(page: Page, gallery: Gallery): Promise<void> {
  await page.goto(`${gallery.deployment.appUrl}/sign-in`)
  await page.getByLabel("E-mail").fill(gallery.email)
  await page.getByLabel("Password").fill(gallery.password)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.waitForURL(/\/console\//)
}

type WidgetState = {
  name: string
  /** Leaves the widget as it is to be seen; null when it is closed. */
  reach: (page: Page) => Promise<Frame | null>
}

/** The widget's states, in an order in which each starts from a fresh visitor. */
function listWidgetStates(gallery: Gallery): WidgetState[] {
  const asked = async (page: Page, question: string) => {
    const chat = await openWidget(page)
    await askWidget(chat, question)
    return chat
  }
  const answered = async (page: Page, question: string) => {
    const chat = await asked(page, question)
    await expect(chat.getByRole("button", { name: "Helpful", exact: true })).toBeVisible()
    return chat
  }
  const washing = "How do I wash a wool blanket?"
  return [
    {
      name: "closed",
      reach: async (page) => {
        await expect.poll(() => hasLauncher(page)).toBe(true)
        return null
      },
    },
    {
      name: "open-empty",
      reach: async (page) => {
        const chat = await openWidget(page)
        await expectConnected(chat)
        return chat
      },
    },
    {
      name: "answering",
      reach: async (page) => {
        const chat = await asked(page, `${washing} ${scripts.slow}`)
        await expect(chat.getByRole("log")).toContainText("word9")
        return chat
      },
    },
    { name: "cited", reach: (page) => answered(page, washing) },
    { name: "rich", reach: (page) => answered(page, `Can I return a blanket? ${scripts.rich}`) },
    {
      name: "source-open",
      reach: async (page) => {
        const chat = await answered(page, washing)
        await chat
          .getByRole("button", { name: /^Source 1: / })
          .last()
          .click()
        await expect(chat.getByRole("region", { name: "Source 1" })).toBeVisible()
        return chat
      },
    },
    {
      name: "error",
      reach: async (page) => {
        const chat = await asked(page, `${washing} ${scripts.breaking}`)
        await expect(chat.getByText("The answer broke off.")).toBeVisible()
        return chat
      },
    },
    {
      name: "offline",
      reach: async (page) => {
        const chat = await answered(page, washing)
        await page.context().setOffline(true)
        await expect(chat.getByRole("alert")).toBeVisible()
        await chat.getByRole("textbox").fill("And a lamp?")
        return chat
      },
    },
    {
      name: "revoked",
      reach: async (page) => {
        const chat = await asked(page, `${washing} ${scripts.slow}`)
        await expect(chat.getByRole("log")).toContainText("word3")
        await setKey(gallery, "disabled")
        await expect(chat.getByText("This chat is not available right now.")).toBeVisible()
        await setKey(gallery, "active")
        return chat
      },
    },
    {
      name: "lead-offer",
      reach: async (page) => {
        const chat = await asked(page, "Do you sell garden furniture in teak?")
        await expect(chat.getByRole("button", { name: "Leave my details" })).toBeVisible()
        return chat
      },
    },
    {
      name: "lead-form",
      reach: async (page) => {
        const chat = await asked(page, "Do you sell garden furniture in teak?")
        await chat.getByRole("button", { name: "Leave my details" }).click()
        await chat.getByLabel("Name").fill("Mira Okafor")
        return chat
      },
    },
  ]
}

const setKey = (gallery: Gallery, status: "active" | "disabled") =>
  gallery.api(`/v1/embed-keys/${gallery.key.id}`, { method: "PATCH", body: { status } })

async function shootWidget(browser: Browser, gallery: Gallery, look: Look): Promise<void> {
  const { shop, deployment } = gallery
  const snippet = (key: string) =>
    `<script async src="${deployment.widgetUrl}/embed.js" data-key="${key}"></script>`
  const page = readFileSync(join(root, "demo", "shop.html"), "utf8")
  const url = shop.publish("/", page.replace("<!-- snippet -->", snippet(gallery.key.key)))
  const arabicUrl = shop.publish("/ar", shopPage(snippet(gallery.arabicKey.key), "المتجر"))
  const capture = async (state: string, address: string, reach: WidgetState["reach"]) => {
    const name = `${state}-${look.name}`
    // A visitor nobody has seen: no state leaks from one picture into the next.
    const context = await newContext(browser, look)
    await attempt(name, async () => {
      const page = await context.newPage()
      await page.goto(address)
      const frame = await reach(page)
      await shoot(page, name, false)
      await examine(frame ?? page, name)
    })
    await context.close()
  }
  for (const { name, reach } of listWidgetStates(gallery))
    await capture(`widget-${name}`, url, reach)
  await capture("widget-rtl-empty", arabicUrl, openArabic)
  await capture("widget-rtl-cited", arabicUrl, async (page) => {
    const chat = await openArabic(page)
    await chat.getByRole("textbox").fill("هل يمكنني إعادة سلعة خلال ثلاثين يومًا من التوصيل؟")
    await chat.getByRole("textbox").press("Enter")
    await expect(chat.getByRole("button", { name: "مفيد", exact: true })).toBeVisible()
    return chat
  })
}

async function openArabic(page: Page): Promise<Frame> {
  await clickLauncher(page, "left")
  const chat = await findWidget(page)
  await expectConnected(chat)
  return chat
}

async function main(): Promise<void> {
  rmSync(output, { recursive: true, force: true })
  mkdirSync(output, { recursive: true })
  const gallery = await openGallery()
  const browser = await chromium.launch(chromiumLaunchOptions())
  try {
    for (const look of looks) {
      const context = await newContext(browser, look)
      const page = await context.newPage()
      const see = async (stop: Stop) => {
        const name = `${stop.name}-${look.name}`
        await attempt(name, () => visit(page, gallery, stop, name))
      }
      for (const stop of listPublicStops()) await see(stop)
      await signIn(page, gallery)
      for (const stop of listConsoleStops(gallery)) await see(stop)
      await context.close()
    }
    // After the console, whose pictures would otherwise show what these visitors ask.
    for (const look of looks) await shootWidget(browser, gallery, look)
  } finally {
    await browser.close()
    await gallery.stop()
  }
  console.log(`${pictures} pictures in screenshots/`)
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
}

await main()
