import { test as base, expect, type Frame, type Page } from "@playwright/test"
import { findWidget } from "../widget.ts"
import { type Stub, startStub } from "./stub.ts"

export { expect } from "@playwright/test"

/**
 * The stub counter, fresh for every test, and a page that collects what it must never see: errors thrown
 * into it, dialogs, and requests to anywhere but the two origins.
 */
export const test = base.extend<{ stub: Stub; accidents: string[] }, { server: Stub }>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a function wants from it
    async ({}, use) => {
      const server = await startStub()
      await use(server)
      await server.stop()
    },
    { scope: "worker" },
  ],
  stub: async ({ server }, use) => {
    server.reset()
    await use(server)
  },
  accidents: async ({ page, stub }, use) => {
    const accidents: string[] = []
    page.on("pageerror", (error) => accidents.push(`threw ${error.message}`))
    page.on("dialog", (dialog) => {
      accidents.push(`dialog ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on("request", (request) => {
      const isOurs = [stub.origin, stub.shop].some((origin) => request.url().startsWith(origin))
      if (!isOurs && !request.url().startsWith("data:")) accidents.push(`asked ${request.url()}`)
    })
    page.on("console", (message) => {
      if (/Content Security Policy/.test(message.text())) accidents.push(message.text())
    })
    await use(accidents)
  },
})

/**
 * Lets a test look into the closed shadow root: only a script that runs before the loader can. The real
 * root is still closed to the page.
 */
export async function tapShadowRoots(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const attach = Element.prototype.attachShadow
    const roots: ShadowRoot[] = []
    Object.assign(window, { tappedRoots: roots })
    Element.prototype.attachShadow = function (options) {
      const root = attach.call(this, options)
      roots.push(root)
      return root
    }
  })
}

export type Drawn = {
  className: string
  isVisible: boolean
  isFocused: boolean
  attributes: Record<string, string>
}

/** What stands in the first launcher's root, by class: l launcher, p panel, m notice. */
export function readDrawn(page: Page, className: string): Promise<Drawn | null> {
  return page.evaluate((name) => {
    const [root] = (window as unknown as { tappedRoots: ShadowRoot[] }).tappedRoots
    const element = root?.querySelector(`.${name}`)
    if (!root || !element) return null
    return {
      className: root.querySelector("div")!.className,
      isVisible: getComputedStyle(element).visibility === "visible",
      isFocused: root.activeElement === element,
      attributes: Object.fromEntries(
        Array.from(element.attributes, ({ name: key, value }) => [key, value]),
      ),
    }
  }, className)
}

/** Opens the chat by the page's own API and waits until it is connected. */
export async function openChat(page: Page, key?: string): Promise<Frame> {
  await page.waitForFunction(() => document.querySelector("coatcheck-widget"))
  await page.evaluate((named) => {
    const api = window as unknown as { Coatcheck: { open: (key?: string) => void } }
    api.Coatcheck.open(named)
  }, key)
  const frame = await findWidget(page)
  await expect(frame.locator(".dot.up")).toBeVisible()
  return frame
}

export async function ask(frame: Frame, question: string): Promise<void> {
  await frame.locator(".field textarea").fill(question)
  await frame.locator(".field textarea").press("Enter")
}
