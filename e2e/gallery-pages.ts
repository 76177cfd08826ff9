import { readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, type Page } from "@playwright/test"
import type { Gallery } from "./gallery.ts"
import { askWidget, findWidget } from "./widget.ts"

export type Stop = {
  name: string
  path: string
  /** Brings the page into the state that is to be seen. */
  act?: (page: Page) => Promise<unknown>
}

export function listPublicStops(): Stop[] {
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

export function listConsoleStops(gallery: Gallery): Stop[] {
  const tenant = `/console/${gallery.tenantId}`
  const bot = `${tenant}/bots/${gallery.botId}`
  const fresh = `${tenant}/bots/${gallery.freshBotId}`
  const step = (name: string) => async (page: Page) => {
    const button = page.getByRole("button", { name: new RegExp(`^${name}`) })
    if ((await button.getAttribute("aria-expanded")) !== "true") await button.click()
  }
  const seeSpent = (percent: number) => (page: Page) =>
    gallery.showSpent(percent, async () => {
      await page.reload()
      await expect(page.getByRole("main").getByText(/is used$/)).toBeVisible()
    })
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
    {
      name: "knowledge-add-pages",
      path: `${bot}/knowledge`,
      act: async (page) => {
        await page.getByRole("button", { name: "Add a source" }).click()
        await page.getByRole("tab", { name: "Web pages" }).click()
      },
    },
    {
      name: "knowledge-add-website",
      path: `${bot}/knowledge`,
      act: async (page) => {
        await page.getByRole("button", { name: "Add a source" }).click()
        await page.getByRole("tab", { name: "Whole website" }).click()
      },
    },
    {
      name: "knowledge-choices",
      path: `${bot}/knowledge`,
      act: async (page) => {
        await page.getByRole("button", { name: /^Actions for Do you ship/ }).click()
        await expect(page.getByText("Under an answer visitors see")).toBeVisible()
      },
    },
    {
      name: "knowledge-held",
      path: `${tenant}/bots/${gallery.heldBotId}/knowledge`,
      act: (page) =>
        expect(page.getByRole("button", { name: /^Put it live anyway/ })).toHaveCount(2, {
          timeout: 15_000,
        }),
    },
    { name: "knowledge-empty", path: `${fresh}/knowledge` },
    {
      name: "playground",
      path: `${bot}/playground`,
      act: async (page) => {
        const chat = await findWidget(page)
        await askWidget(chat, "How do I wash a wool blanket?")
        await expect(chat.getByRole("button", { name: "Helpful", exact: true })).toBeVisible()
        await page.getByLabel("Question").fill("How do I wash a wool blanket?")
        await page.keyboard.press("Enter")
        await expect(page.getByRole("button", { name: "Save as golden question" })).toBeVisible()
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
    { name: "incident", path: `${bot}/embed/${gallery.key.id}` },
    {
      name: "incident-replace",
      path: `${bot}/embed/${gallery.key.id}`,
      act: async (page) => {
        await page.getByRole("button", { name: "Replace the line now" }).click()
        await expect(page.getByRole("dialog")).toBeVisible()
      },
    },
    { name: "incident-raised", path: `${bot}/embed/${gallery.raisedKey.id}` },
    { name: "embed-empty", path: `${fresh}/embed` },
    { name: "quality", path: `${bot}/quality` },
    {
      name: "quality-change",
      path: `${bot}/quality`,
      act: async (page) => {
        await page.getByRole("button", { name: /^Actions for How do I wash/ }).click()
        await page.getByRole("menuitem", { name: "Change" }).click()
        await expect(page.getByRole("dialog")).toBeVisible()
      },
    },
    {
      name: "quality-add",
      path: `${bot}/quality`,
      act: async (page) => {
        await page.getByRole("button", { name: "Add questions" }).click()
        await page.getByRole("tab", { name: "Paste a list" }).click()
        await expect(page.getByLabel("Questions", { exact: true })).toBeVisible()
      },
    },
    { name: "quality-empty", path: `${fresh}/quality` },
    {
      name: "quality-gaps",
      path: `${bot}/quality/gaps`,
      act: (page) => page.getByRole("button", { name: "Answer", exact: true }).first().click(),
    },
    {
      name: "quality-gate",
      path: `${tenant}/bots/${gallery.worseBotId}/settings`,
      act: async (page) => {
        await page.getByRole("switch").click()
        await expect(page.getByRole("button", { name: "Publish anyway" })).toBeVisible()
      },
    },
    { name: "quality-gaps-empty", path: `${fresh}/quality/gaps` },
    { name: "tools", path: `${bot}/tools` },
    {
      name: "tools-add",
      path: `${bot}/tools`,
      act: async (page) => {
        await page.getByRole("button", { name: "Add a tool" }).click()
        const dialog = page.getByRole("dialog")
        await dialog.getByLabel("Name", { exact: true }).fill("opening_hours")
        await dialog.getByLabel("Address").fill("https://127.0.0.1/hours")
        await dialog.getByLabel("When the bot").fill("Says when we are open.")
        await dialog.getByRole("button", { name: "Add a value" }).click()
        await dialog.getByLabel("Name", { exact: true }).last().fill("day")
        await dialog.getByRole("button", { name: "Add tool" }).click()
        await expect(dialog.getByRole("alert")).toBeVisible()
      },
    },
    {
      name: "tools-server",
      path: `${bot}/tools`,
      act: async (page) => {
        await page.getByRole("button", { name: "Add an MCP server" }).click()
        await expect(page.getByRole("dialog")).toBeVisible()
      },
    },
    {
      name: "tools-allow",
      path: `${bot}/tools`,
      act: async (page) => {
        await page.getByRole("button", { name: "Allow again open-return" }).click()
        await expect(page.getByLabel("What open-return does")).toBeVisible()
      },
    },
    {
      name: "tools-try",
      path: `${bot}/tools`,
      act: async (page) => {
        await page.getByRole("button", { name: "Actions for cancel_order" }).click()
        await page.getByRole("menuitem", { name: "Try it" }).click()
        const dialog = page.getByRole("dialog")
        await dialog.getByLabel("order").fill("4711")
        await dialog.getByRole("button", { name: "Call it now" }).click()
        await expect(dialog.getByText("It did not work")).toBeVisible({ timeout: 20_000 })
      },
    },
    {
      name: "tools-where",
      path: `${bot}/tools`,
      act: async (page) => {
        await page.getByRole("button", { name: "Actions for cancel_order" }).click()
        await page.getByRole("menuitem", { name: "Where it may run" }).click()
        await expect(page.getByRole("dialog")).toBeVisible()
      },
    },
    { name: "tools-empty", path: `${fresh}/tools` },
    { name: "bot-settings", path: `${bot}/settings` },
    { name: "leads", path: `${tenant}/leads` },
    { name: "usage", path: `${tenant}/usage` },
    { name: "spent-83-home", path: tenant, act: seeSpent(83) },
    { name: "spent-83-usage", path: `${tenant}/usage`, act: seeSpent(83) },
    { name: "spent-100-overview", path: bot, act: seeSpent(100) },
    { name: "team", path: `${tenant}/team` },
    {
      name: "team-remove",
      path: `${tenant}/team`,
      act: async (page) => {
        await page.getByRole("button", { name: "Remove viewer@lantern-loom.example" }).click()
        await expect(page.getByRole("dialog")).toBeVisible()
      },
    },
    { name: "api-keys", path: `${tenant}/api-keys` },
    { name: "audit", path: `${tenant}/audit` },
    { name: "settings", path: `${tenant}/settings` },
    {
      name: "settings-model-refused",
      path: `${tenant}/settings`,
      act: async (page) => {
        await page.getByLabel("Provider").selectOption("openai-compatible")
        await page.getByLabel("Model", { exact: true }).fill("house-model")
        await page.getByLabel("Address").fill("http://localhost:11434/v1")
        await page.getByLabel("Key", { exact: true }).fill("sk-not-a-real-key")
        for (const name of ["Words it reads", "Words it read before", "Words it writes"])
          await page.getByLabel(name, { exact: true }).fill("0")
        await page.getByRole("button", { name: "Save model" }).click()
        await expect(page.getByText("This address cannot be used.")).toBeVisible()
      },
    },
    {
      name: "api-keys-password",
      path: `${tenant}/api-keys`,
      act: async (page) => {
        await gallery.forgetPasswords()
        await page.getByRole("button", { name: "New API key" }).click()
        await page.getByLabel("Name").fill("Booking server")
        await page.getByRole("button", { name: "Create key" }).click()
        await page.getByLabel("Password").fill("not the password")
        await page.getByRole("button", { name: "Go on" }).click()
        await expect(page.getByText("This is not your current password.")).toBeVisible()
      },
    },
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

const consoleFolder = join(import.meta.dirname, "..", "app", "console")

/** Pages of the console that no stop leads to. */
export function listForgottenPages(stops: Stop[]): string[] {
  const paths = stops.map((stop) => stop.path.split("?")[0]!)
  return readdirSync(consoleFolder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.startsWith("[tenant]") && path.endsWith("page.tsx"))
    .map((path) => `/console/${dirname(path)}`)
    .filter((page) => {
      const pattern = page.replace(/\[[^\]]+\]/g, "[^/]+").replace(/\/\.$/, "")
      return !paths.some((path) => new RegExp(`^${pattern}$`).test(path))
    })
}
