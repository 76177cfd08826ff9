import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Frame } from "@playwright/test"
import type { StreamPart } from "#components/widget/contract.ts"
import { ask, expect, openChat, readDrawn, tapShadowRoots, test } from "./fixtures.ts"
import { answerOf, plainAnswer } from "./stub.ts"

const alerts = (frame: Frame) => frame.getByRole("alert")
const field = (frame: Frame) => frame.locator(".field textarea")

test("a cited answer; its passage opens in place, Escape closes that first, then the chat", async ({
  page,
  stub,
  accidents,
}) => {
  await tapShadowRoots(page)
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, "How long does a repair take?")
  await expect(frame.locator(".prose strong")).toHaveText("while you wait")
  await frame.locator(".prose .tag").click()
  await expect(frame.getByRole("region", { name: "Source 1" })).toContainText(
    "Small repairs are done",
  )
  await expect(frame.getByRole("link", { name: "Open the page" })).toHaveAttribute(
    "href",
    "https://docs.example.org/repairs",
  )
  await page.keyboard.press("Escape")
  await expect(frame.getByRole("region", { name: "Source 1" })).toHaveCount(0)
  await expect(frame.locator(".prose .tag")).toBeFocused()
  await expect(frame.getByRole("status").first()).toContainText(
    "Small repairs are done while you wait",
  )
  await page.keyboard.press("Escape")
  await expect.poll(() => readDrawn(page, "p")).toMatchObject({ isVisible: false })
  expect(accidents).toEqual([])
})

test("a hostile answer, bot and source run nothing, fetch nothing, link nowhere", async ({
  page,
  stub,
  accidents,
}) => {
  const bad = "<img src=http://sink.test/a onerror=alert(1)><script>alert(1)</script>"
  stub.script.bot = {
    name: bad,
    greeting: bad,
    starters: [bad],
    color: "red;}body{background:url(http://sink.test/c)}",
  }
  stub.script.answer = [
    { type: "start", messageId: bad },
    {
      type: "data-citation",
      data: {
        number: 1,
        chunkId: "c",
        sourceId: "s",
        title: bad,
        heading: bad,
        text: bad,
        url: "javascript:alert(1)",
        page: null,
      },
    },
    {
      type: "text-delta",
      delta: `${bad}\n\n![x](http://sink.test/b) [y](javascript:alert(1)) [z](http://sink.test/?q=1) <http://sink.test/d>\n\n<iframe srcdoc="${bad}"></iframe><svg onload=alert(1)><style>*{background:url(//sink.test/e)}</style> [1]`,
    },
    { type: "finish" },
  ]
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, bad)
  await frame.locator(".sources .tag").click()
  await expect(frame.getByRole("region", { name: "Source 1" })).toBeVisible()
  const foreign = await frame.evaluate(
    () =>
      document.querySelectorAll(
        "#chat :is(img, script, iframe, style, link, base, object, embed, a)",
      ).length,
  )
  expect(foreign).toBe(0)
  expect(accidents).toEqual([])
})

test("what the host page can reach holds no token, secret or transcript", async ({
  page,
  stub,
}) => {
  await tapShadowRoots(page)
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, "A private question")
  await expect(frame.locator(".prose")).toBeVisible()
  const reached = await page.evaluate(() => {
    // Without the test's own tap the page would not even find the window: it is in no list of frames.
    if (frames.length > 0) return []
    const [root] = (window as unknown as { tappedRoots: ShadowRoot[] }).tappedRoots
    const chat = root!.querySelector("iframe")!.contentWindow!
    const attempts = [
      () => chat.document.body.textContent,
      () => chat.localStorage.length,
      () => chat.name,
      () => chat.location.href,
      () => (chat as unknown as Record<string, unknown>).token,
    ]
    return attempts.map((attempt) => {
      try {
        return String(attempt())
      } catch (error) {
        return (error as Error).name
      }
    })
  })
  expect(reached).toEqual(Array(5).fill("SecurityError"))
  const stored = await frame.evaluate(() => ({ ...localStorage, url: location.href }))
  expect(JSON.stringify(stored)).not.toMatch(/token-|ticket-|private/)
})

test("the visitor secret is kept after the first message only, and brings the transcript back", async ({
  page,
  stub,
}) => {
  await page.goto(stub.shop)
  const frame = await openChat(page)
  expect(await frame.evaluate(() => ({ ...localStorage }))).toEqual({})
  await ask(frame, "First")
  await expect(frame.locator(".prose")).toBeVisible()
  const kept = await frame.evaluate(() => ({ ...localStorage }))
  expect(Object.keys(kept)).toEqual(["coatcheck:key_pk_one"])
  stub.script.messages = [
    {
      id: "msg_0",
      role: "user",
      text: "Earlier question",
      status: "complete",
      isAnswered: true,
      citations: [],
      feedback: null,
      createdAt: "2026-11-20T10:00:00Z",
    },
  ]
  await page.reload()
  const again = await openChat(page)
  await expect(again.locator(".bubble")).toHaveText("Earlier question")
})

test("a token that died is renewed once, quietly; a refused site ends in one sentence", async ({
  page,
  stub,
}) => {
  await page.goto(stub.shop)
  const frame = await openChat(page)
  stub.revokeTokens()
  await ask(frame, "After the token died")
  await expect(frame.locator(".prose")).toBeVisible()
  stub.revokeTokens()
  stub.script.isSiteRefused = true
  await ask(frame, "Keep my words")
  await expect(alerts(frame)).toContainText("This chat is not available right now.")
  await expect(field(frame)).toHaveValue("Keep my words")
  stub.script.isSiteRefused = false
  await frame.getByRole("button", { name: "Try again" }).click()
  await expect(frame.locator(".dot.up")).toBeVisible()
  await expect(field(frame)).toHaveValue("Keep my words")
})

test("cut off in mid-answer: not one more word, and the chat says so", async ({ page, stub }) => {
  stub.script.answer = [...plainAnswer.slice(0, 3), { type: "data-revoked" }, { type: "abort" }]
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, "How long?")
  await expect(frame.locator(".notice")).toContainText("This chat is not available right now.")
})

test("too fast: says when, offers no button before; the message waits", async ({ page, stub }) => {
  stub.script.refusal = { status: 429, code: "rate_limited", detail: "x", retryAfter: 2 }
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, "Quick")
  await expect(alerts(frame)).toContainText(/You can try again in \d second/)
  expect(await frame.getByRole("button", { name: "Try again" }).count()).toBe(0)
  stub.script.refusal = null
  await frame.getByRole("button", { name: "Try again" }).click()
  await expect(frame.locator(".prose")).toBeVisible()
  const [first, second] = stub.calls.filter(({ path }) => path === "chat")
  expect(second!.body).toEqual(first!.body)
})

test("the day's limit shows the owner's words and takes details", async ({ page, stub }) => {
  stub.script.bot = { limitNote: "Call us on 555 0100." }
  stub.script.refusal = { status: 429, code: "day_limit", detail: "Try again tomorrow." }
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, "Today?")
  await expect(alerts(frame)).toContainText("Call us on 555 0100.")
  await frame.getByRole("button", { name: "Leave my details" }).click()
  await expect(frame.getByLabel("Name")).toBeFocused()
  await frame.getByLabel("Name").fill("Ana")
  await frame.getByRole("button", { name: "Send details" }).click()
  await expect(alerts(frame).last()).toContainText("e-mail address or a phone number")
  await frame.getByLabel("E-mail").fill("ana@example.com")
  await frame.getByRole("button", { name: "Send details" }).click()
  await expect(frame.getByText("Someone will get back to you.")).toBeVisible()
  expect(stub.calls.at(-1)).toMatchObject({
    path: "leads",
    body: { name: "Ana", email: "ana@example.com", message: "Today?" },
  })
})

test("without the owner's words the day's limit is told in the visitor's language", async ({
  page,
  stub,
}) => {
  stub.script.bot = { locale: "de" }
  stub.script.refusal = { status: 429, code: "day_limit", detail: "Try again tomorrow." }
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, "Heute?")
  await expect(alerts(frame)).toContainText("Dieser Chat hat sein Limit für heute erreicht.")
  await expect(alerts(frame)).not.toContainText("tomorrow")
})

test("when the money is used up, the owner's words stand beside the quotes as plain text", async ({
  page,
  stub,
}) => {
  const note =
    "Our assistant rests until Monday. <b>Call</b> [us](https://evil.example) on 555 0100."
  const answer = (isCapped: boolean): StreamPart[] => [
    { type: "start", messageId: "msg_1" },
    { type: "text-delta", delta: "Small repairs are done while you wait." },
    { type: "data-answer", data: { isAnswered: true, mode: "quotes", offerLead: false, isCapped } },
    { type: "finish" },
  ]
  stub.script.bot = { limitNote: note }
  stub.script.answer = answer(false)
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, "How long?")
  await expect(frame.getByRole("log").getByText("Small repairs")).toBeVisible()
  await expect(frame.getByText("Our assistant rests")).toHaveCount(0)
  stub.script.answer = answer(true)
  await ask(frame, "And today?")
  await expect(frame.getByText(note)).toBeVisible()
  expect(await frame.getByRole("link").count()).toBe(0)
})

test("off line, the words stay; back on line, they go", async ({ page, stub, context }) => {
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await context.setOffline(true)
  await ask(frame, "Written in a tunnel")
  await expect(alerts(frame)).toContainText("No connection.")
  await expect(field(frame)).toHaveValue("Written in a tunnel")
  await context.setOffline(false)
  await expect(alerts(frame)).toHaveCount(0)
  await field(frame).press("Enter")
  await expect(frame.locator(".prose")).toBeVisible()
})

test("Enter sends, Shift+Enter breaks the line, and an input method keeps its own Enter", async ({
  page,
  stub,
}) => {
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await field(frame).pressSequentially("one")
  await field(frame).press("Shift+Enter")
  await field(frame).pressSequentially("two")
  await field(frame).evaluate((element) => {
    const enter = { key: "Enter", bubbles: true, cancelable: true }
    element.dispatchEvent(new KeyboardEvent("keydown", { ...enter, isComposing: true }))
  })
  await expect(field(frame)).toHaveValue("one\ntwo")
  await field(frame).press("Enter")
  await expect(frame.locator(".bubble")).toHaveText("one\ntwo")
})

test("stop keeps what came; deleting asks first and begins again", async ({ page, stub }) => {
  stub.script.answer = [...plainAnswer.slice(0, 3), 30_000]
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await ask(frame, "Long one")
  await expect(frame.locator(".prose")).toBeVisible()
  await frame.getByRole("button", { name: "Stop" }).click()
  await expect(frame.getByText("Stopped")).toBeVisible()
  await frame.getByRole("button", { name: "More options" }).click()
  await frame.getByRole("button", { name: "Delete this conversation" }).click()
  await page.keyboard.press("Escape")
  await expect(frame.locator(".bubble")).toBeVisible()
  await frame.getByRole("button", { name: "More options" }).click()
  await frame.getByRole("button", { name: "Delete this conversation" }).click()
  await frame.getByRole("button", { name: "Delete", exact: true }).click()
  await expect(frame.locator(".bubble")).toHaveCount(0)
  expect(
    stub.calls.some(({ method, path }) => method === "DELETE" && path === "conversation"),
  ).toBe(true)
  expect(await frame.evaluate(() => localStorage.length)).toBe(0)
})

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
)

type Axe = {
  run: (root: Document) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>
}

/** From inside the frame: through the closed root the page's own axe would see nothing, and pass. */
async function findViolations(frame: Frame): Promise<string[]> {
  await frame.evaluate(axeSource)
  return frame.evaluate(async () => {
    const { axe } = window as unknown as { axe: Axe }
    const { violations } = await axe.run(document)
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  })
}

const longAnswer = answerOf(
  `## Prices\n\n| Job | Price | Time | Where |\n|---|---|---|---|\n| Puncture with tube | 14.00 | 30 minutes | Workshop |\n\n- one [1]\n  - two\n\n\`\`\`\n${"code ".repeat(40)}\n\`\`\`\n\n${"a-very-long-word".repeat(20)}`,
)

for (const [name, options, bot] of [
  ["light", { colorScheme: "light" }, {}],
  ["dark", { colorScheme: "dark" }, { color: "#ffd400", isTest: true }],
  ["right to left", { locale: "ar" }, { locale: "ar", color: "#e8590c" }],
  [
    "360 px wide",
    { viewport: { width: 360, height: 640 } },
    { name: "A name that is far too long for a phone" },
  ],
] as const) {
  test.describe(name, () => {
    test.use(options)
    test("no violation of the accessibility rules and no sideways scrolling", async ({
      page,
      stub,
    }) => {
      // Half faded in, everything is too pale.
      await page.emulateMedia({ reducedMotion: "reduce" })
      stub.script.bot = { ...bot }
      stub.script.answer = longAnswer
      await page.goto(stub.shop)
      const frame = await openChat(page)
      const check = async (state: string) => {
        const violations = await findViolations(frame)
        expect(violations, state).toEqual([])
        const width = await frame.evaluate(() => [
          document.documentElement.scrollWidth <= innerWidth,
          document.querySelector(".thread")!.scrollWidth <=
            document.querySelector(".thread")!.clientWidth,
        ])
        expect(width, state).toEqual([true, true])
      }
      await check("greeting")
      await ask(frame, "Prices?")
      await expect(frame.locator(".feedback")).toBeVisible()
      await check("answer")
      await frame.locator(".sources .tag").click()
      await check("source")
    })
  })
}
