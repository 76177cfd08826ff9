import { expect, type Frame, type Page } from "@playwright/test"
import { scripts } from "./fake-model.ts"
import type { Gallery } from "./gallery.ts"
import { askWidget, clickLauncher, findWidget, hasLauncher, openWidget } from "./widget.ts"

export type WidgetState = {
  name: string
  /** Leaves the widget as it is to be seen; null when it is closed. */
  reach: (page: Page) => Promise<Frame | null>
}

/** The widget's states, in an order in which each starts from a fresh visitor. */
export function listWidgetStates(gallery: Gallery): WidgetState[] {
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
      name: "capped",
      reach: async (page) => {
        await setNote(
          gallery,
          "Our assistant rests until Monday. Call us on 555 0100, we are here.",
        )
        await setLimits(gallery, { monthlySpendMinor: 0 })
        const chat = await answered(page, washing)
        await expect(chat.getByText("Our assistant rests")).toBeVisible()
        await setLimits(gallery, { monthlySpendMinor: 2_000 })
        await setNote(gallery, "")
        return chat
      },
    },
    {
      name: "lead-form",
      reach: async (page) => {
        const chat = await asked(page, "Do you sell garden furniture in teak?")
        await chat.getByRole("button", { name: "Leave my details" }).click()
        await chat.getByLabel("Name").fill("Bakery opposite")
        return chat
      },
    },
  ]
}

const setKey = (gallery: Gallery, status: "active" | "disabled") =>
  gallery.api(`/v1/embed-keys/${gallery.key.id}`, { method: "PATCH", body: { status } })

const setLimits = (gallery: Gallery, limits: Record<string, number>) =>
  gallery.api(`/v1/embed-keys/${gallery.key.id}`, { method: "PATCH", body: { limits } })

const setNote = (gallery: Gallery, limitNote: string) =>
  gallery.api(`/v1/bots/${gallery.botId}`, { method: "PATCH", body: { limitNote } })

export const expectConnected = (chat: Frame) => expect(chat.locator(".dot.up")).toBeVisible()

export async function openArabic(page: Page): Promise<Frame> {
  await clickLauncher(page, "left")
  const chat = await findWidget(page)
  await expectConnected(chat)
  return chat
}
