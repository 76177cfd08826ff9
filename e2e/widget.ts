import { expect, type Frame, type Page } from "@playwright/test"

// The widget as a visitor meets it. Its launcher stands in a closed shadow root, which no selector can
// enter: so it is looked for where it is drawn, and clicked like anybody would.

const edgePx = 16
const sizePx = 56

/** Clicks the launcher in the corner and resolves to the chat's own frame, once it can be typed into. */
export async function openWidget(page: Page): Promise<Frame> {
  await clickLauncher(page)
  const frame = await findWidget(page)
  await expect(frame.getByRole("textbox")).toBeVisible()
  return frame
}

export type Side = "left" | "right"

export async function clickLauncher(page: Page, side: Side = "right"): Promise<void> {
  await expect.poll(() => hasLauncher(page, side)).toBe(true)
  const { x, y } = await launcherPoint(page, side)
  await page.mouse.click(x, y)
}

async function launcherPoint(page: Page, side: Side): Promise<{ x: number; y: number }> {
  const { width, height } = await page.evaluate(() => ({ width: innerWidth, height: innerHeight }))
  const inset = edgePx + sizePx / 2
  return { x: side === "left" ? inset : width - inset, y: height - inset }
}

/** Whether the corner belongs to the widget: what is drawn there, not what is in the page's markup. */
export async function hasLauncher(page: Page, side: Side = "right"): Promise<boolean> {
  const point = await launcherPoint(page, side)
  return page.evaluate(
    ({ x, y }) => document.elementFromPoint(x, y)?.localName === "coatcheck-widget",
    point,
  )
}

export async function findWidget(page: Page): Promise<Frame> {
  const find = () => page.frames().find((frame) => /^https?:\/\/[^/]+\/embed\?/.test(frame.url()))
  await expect.poll(() => find() !== undefined).toBe(true)
  return find()!
}

export async function askWidget(frame: Frame, question: string): Promise<void> {
  await frame.getByRole("textbox", { name: "Ask a question…" }).fill(question)
  await frame.getByRole("button", { name: "Send" }).click()
}
