import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { parseArgs } from "node:util"
import {
  type Browser,
  type BrowserContext,
  chromium,
  expect,
  type Frame,
  type Page,
} from "@playwright/test"
import { chromiumLaunchOptions } from "../e2e/chromium.ts"
import { type Gallery, openGallery } from "../e2e/gallery.ts"
import {
  listConsoleStops,
  listForgottenPages,
  listPublicStops,
  type Stop,
} from "../e2e/gallery-pages.ts"
import {
  expectConnected,
  listWidgetStates,
  openArabic,
  type WidgetState,
} from "../e2e/gallery-widget.ts"
import { shopPage } from "../e2e/sites.ts"
import { findWidget } from "../e2e/widget.ts"

// `npm run screenshots`: every page of the console and every state of the widget, light, dark and 360 px
// wide, into screenshots/; with `--only tools` those of the console whose name begins so. Fails on an axe violation and on a page that scrolls sideways.

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

/** A picture that cannot be taken twice over is a fault among others, not the end of the round. */
async function attempt(name: string, work: () => Promise<void>): Promise<void> {
  await work()
    .catch(work)
    .catch((error: Error) => {
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

async function signIn(page: Page, gallery: Gallery): Promise<void> {
  await page.goto(`${gallery.deployment.appUrl}/sign-in`)
  await page.getByLabel("E-mail").fill(gallery.email)
  await page.getByLabel("Password").fill(gallery.password)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.waitForURL(/\/console\//)
}

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

async function main(): Promise<void> {
  const { only } = parseArgs({ options: { only: { type: "string" } } }).values
  rmSync(output, { recursive: true, force: true })
  mkdirSync(output, { recursive: true })
  const gallery = await openGallery()
  const browser = await chromium.launch(chromiumLaunchOptions())
  for (const page of listForgottenPages(listConsoleStops(gallery)))
    faults.push(`${page}: no picture shows this page`)
  try {
    for (const look of looks) {
      const context = await newContext(browser, look)
      const page = await context.newPage()
      const see = async (stop: Stop) => {
        const name = `${stop.name}-${look.name}`
        await attempt(name, () => visit(page, gallery, stop, name))
      }
      if (!only) for (const stop of listPublicStops()) await see(stop)
      await signIn(page, gallery)
      for (const stop of listConsoleStops(gallery))
        if (!only || stop.name.startsWith(only)) await see(stop)
      await context.close()
    }
    // After the console, whose pictures would otherwise show what these visitors ask.
    if (!only) for (const look of looks) await shootWidget(browser, gallery, look)
  } finally {
    await browser.close()
    await gallery.stop()
  }
  console.log(`${pictures} pictures in screenshots/`)
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
}

await main()
