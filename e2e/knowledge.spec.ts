import { type Locator, type Page, test as plainTest } from "@playwright/test"
import { makeSlides, makeWord, makeWorkbook, wordParagraph } from "#lib/knowledge/office.fixture.ts"
import type { SourceView } from "#lib/knowledge/schema.ts"
import { type CrawledSite, crawledOrigin, startCrawledSite } from "./crawled-site.ts"
import { type Deployment, startDeployment } from "./deployment.ts"
import { expect } from "./fixtures.ts"
import { writePdf } from "./pdf.ts"
import { askWidget, findWidget } from "./widget.ts"

// What an owner does with knowledge, in the console of a built deployment. Its worker is the tests' own
// (e2e/site-worker.ts), which knows one website on this machine. The steps share what earlier ones made.

const test = plainTest
test.describe.configure({ mode: "serial" })

type Format = {
  name: string
  mimeType: string
  body: string | Uint8Array
  question: string
  answer: string
}

/** One fact a file, of which no other file says a word. */
const formats: Format[] = [
  {
    name: "lamps.pdf",
    mimeType: "application/pdf",
    body: writePdf([["Lamps may be returned within 45 days after delivery."]]),
    question: "Within how many days may lamps be returned after delivery?",
    answer: "within 45 days",
  },
  {
    name: "warranty.docx",
    mimeType: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    body: makeWord(
      wordParagraph("Warranty", "Heading1") +
        wordParagraph("Our shelves carry a warranty of seven years against breakage."),
    ),
    question: "How long is the warranty on shelves against breakage?",
    answer: "seven years",
  },
  {
    name: "assembly.pptx",
    mimeType: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    body: makeSlides([
      { title: "Assembly", lines: ["Our carpenter assembles wardrobes for 80 euros."] },
    ]),
    question: "What does the carpenter take to assemble wardrobes?",
    answer: "80 euros",
  },
  {
    name: "prices.xlsx",
    mimeType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    body: makeWorkbook([
      {
        name: "Armchairs",
        rows: [
          ["Armchair", "Price"],
          ["Velvet armchair", "499 euros"],
        ],
      },
    ]),
    question: "What is the price of the velvet armchair?",
    answer: "499 euros",
  },
  {
    name: "stock.csv",
    mimeType: "text/csv",
    body: "Mirror,Pieces in stock\nOval mirror,17 pieces\nRound mirror,3 pieces\n",
    question: "How many pieces of the oval mirror are in stock?",
    answer: "17 pieces",
  },
  {
    name: "parking.html",
    mimeType: "text/html",
    body: "<!doctype html><title>Parking</title><main><h1>Parking</h1><p>Customers park for free in the yard behind the workshop.</p></main>",
    question: "Where do customers park for free?",
    answer: "in the yard",
  },
  {
    name: "repairs.md",
    mimeType: "text/markdown",
    body: "# Repairs\n\nBroken cables are mended while you wait on Thursdays.\n",
    question: "When are broken cables mended while I wait?",
    answer: "on Thursdays",
  },
  {
    name: "vouchers.txt",
    mimeType: "text/plain",
    body: "Gift vouchers stay valid for three years from the day of purchase.",
    question: "For how long do gift vouchers stay valid?",
    answer: "three years",
  },
  {
    name: "questions.json",
    mimeType: "application/json",
    body: JSON.stringify([
      { question: "Do you sell batteries?", answer: "Yes, we sell batteries at the counter." },
    ]),
    question: "Do you sell batteries?",
    answer: "at the counter",
  },
  {
    name: "more.jsonl",
    mimeType: "application/jsonl",
    body: '{"question":"Is the cafeteria open on Sundays?","answer":"The cafeteria opens on Sundays at noon."}\n',
    question: "Is the cafeteria open on Sundays?",
    answer: "at noon",
  },
]

let site: CrawledSite
let deployment: Deployment
let owner: Page

test.beforeAll(async ({ browser }) => {
  site = await startCrawledSite()
  deployment = await startDeployment({
    worker: { path: "e2e/site-worker.ts", args: [String(site.port)] },
  })
  owner = await (await browser.newContext({ locale: "en-US" })).newPage()
})

test.afterAll(async () => {
  await owner?.context().close()
  await deployment?.stop()
  await site?.stop()
})

const openScreen = (name: string) => owner.getByRole("link", { name, exact: true }).click()
const sourceRow = (title: string): Locator =>
  owner.getByRole("table", { name: "Sources" }).getByRole("row").filter({ hasText: title })

const botId = () => /bot_[^/?]+/.exec(owner.url())?.[0]

/** Asks in the playground, without the model: the answer is a quotation. */
async function askPlayground(question: string): Promise<Locator> {
  await openScreen("Playground")
  await owner.getByRole("textbox", { name: "Question" }).fill(question)
  await owner.getByLabel(/^Let the model write/).uncheck()
  const answered = owner.waitForResponse((response) => response.request().method() === "POST")
  await owner.getByRole("button", { name: "Ask", exact: true }).click()
  await answered
  return owner.getByRole("region", { name: "Answer and sources" })
}

test("an owner uploads a file of every format, and each is read", async () => {
  await owner.goto(`${deployment.appUrl}/sign-up`)
  await owner.getByLabel("Business name").fill("Corner Shop")
  await owner.getByLabel("E-mail").fill("owner@corner-shop.example")
  await owner.getByLabel("Password").fill("a long enough sentence")
  await owner.getByRole("button", { name: "Create account" }).click()
  await owner.waitForURL(/\/console\/ten_[^/]+\/bots\/bot_[^/]+$/)
  await openScreen("Knowledge")
  await owner
    .getByLabel("Choose files")
    .setInputFiles(
      formats.map(({ name, mimeType, body }) => ({ name, mimeType, buffer: Buffer.from(body) })),
    )
  for (const { name } of formats) {
    const title = name.replace(/\.\w+$/, "")
    await expect(sourceRow(title).getByText("Ready", { exact: true })).toBeVisible({
      timeout: 40_000,
    })
  }
})

test("each file answers a question that no other one can", async () => {
  for (const { name, question, answer } of formats) {
    const answers = await askPlayground(question)
    await expect(answers.getByText("Answered", { exact: true })).toBeVisible()
    const cited = answers.getByRole("listitem").filter({ hasText: "cited" }).first()
    await expect(cited, name).toContainText(answer)
    await expect(cited).toContainText(name.replace(/\.\w+$/, ""))
  }
})

test("they have their website read, and watch its pages come in", async () => {
  const page = (title: string, text: string, links: string[]) =>
    `<!doctype html><title>${title}</title><nav>${links.map((to) => `<a href="${to}">${to}</a>`).join(" ")}</nav><main><h1>${title}</h1><p>${text}</p></main>`
  // Slow enough to be watched: a second between two pages, because the website asks for it.
  site.pages.set("/robots.txt", "User-agent: *\nCrawl-delay: 1\nDisallow: /office")
  const rooms = ["Kitchen", "Bedroom", "Bathroom", "Garden", "Cellar"]
  const links = [...rooms.map((room) => `/${room.toLowerCase()}`), "/office"]
  site.pages.set("/", page("Corner Shop", "Furniture for every room.", links))
  for (const room of rooms)
    site.pages.set(
      `/${room.toLowerCase()}`,
      page(room, `Our ${room.toLowerCase()} planner works on floor ${room.length}.`, ["/"]),
    )
  site.pages.set("/office", page("Office", "For our own people.", []))

  await openScreen("Knowledge")
  await owner.getByRole("button", { name: "Add a source" }).click()
  await owner.getByRole("tab", { name: "Whole website" }).click()
  await owner.getByLabel("Address of the website").fill(crawledOrigin)
  await owner.getByRole("button", { name: "Read this website" }).click()

  const card = owner.getByRole("list", { name: "Websites" }).getByRole("listitem").first()
  const bar = card.getByRole("progressbar")
  const seen: number[] = []
  await expect(bar).toBeVisible({ timeout: 20_000 })
  await expect
    .poll(
      async () => {
        const value = await bar.evaluateAll((bars) =>
          bars.map((each) => (each as HTMLProgressElement).value),
        )
        if (value.length > 0 && value[0] !== seen.at(-1)) seen.push(value[0]!)
        return card.getByText("Ready", { exact: true }).isVisible()
      },
      { timeout: 40_000, intervals: [200] },
    )
    .toBe(true)
  // It moved, more than once, and only forward.
  expect(seen.length).toBeGreaterThanOrEqual(3)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
  await expect(card).toContainText("6 pages")
  expect(site.hits).not.toContain("/office")
})

test("a page of the website answers", async () => {
  const answers = await askPlayground("On which floor does the bathroom planner work?")
  const cited = answers.getByRole("listitem").filter({ hasText: "cited" }).first()
  await expect(cited).toContainText("floor 8")
  await expect(cited).toContainText("Bathroom")
})

test("what visitors see of a source is the owner's choice, and acts at once", async () => {
  const lamps = formats.find(({ name }) => name === "lamps.pdf")!
  const askPreview = async () => {
    await openScreen("Playground")
    const chat = await findWidget(owner)
    await askWidget(chat, lamps.question)
    const answer = chat.getByRole("log")
    await expect(answer).toContainText(lamps.answer)
    await expect(chat.getByRole("button", { name: "Helpful", exact: true }).last()).toBeVisible()
    return chat
  }
  await expect(
    (await askPreview()).getByRole("button", { name: /^Source 1: lamps/ }).first(),
  ).toBeVisible()
  await openScreen("Knowledge")
  await sourceRow("lamps")
    .getByRole("button", { name: /^Actions for/ })
    .click()
  await owner.getByRole("menuitem", { name: "Nothing (it still answers)" }).click()
  await expect(sourceRow("lamps")).toContainText("Hidden from visitors")
  // The answer before is the same visitor's: it hides its source as well.
  const chat = await askPreview()
  await expect(chat.getByRole("button", { name: /^Source/ })).toHaveCount(0)
  await expect(chat.getByRole("log")).not.toContainText("[1]")
  await expect(chat.getByRole("log")).not.toContainText("lamps.pdf")
})

test("they add pages by a list of addresses; one that is none is named and the others are read", async () => {
  site.pages.set("/attic", "<title>Attic</title><main><p>The attic sale begins in May.</p></main>")
  await openScreen("Knowledge")
  await owner.getByRole("button", { name: "Add a source" }).click()
  await owner.getByRole("tab", { name: "Web pages" }).click()
  await owner
    .getByLabel("Addresses of pages, one per line")
    .fill(`${crawledOrigin}/attic\nhttp://127.0.0.1/admin`)
  await owner.getByRole("button", { name: "Read these pages" }).click()
  await expect(owner.getByText("1 address left out")).toBeVisible()
  await expect(owner.getByLabel("Addresses of pages, one per line")).toHaveValue(/attic/)
  await expect(sourceRow("Attic").getByText("Ready", { exact: true })).toBeVisible({
    timeout: 20_000,
  })
})

test("they delete a source, and the next question about it gets “I don’t know”", async () => {
  const { question } = formats.find(({ name }) => name === "vouchers.txt")!
  await openScreen("Knowledge")
  await sourceRow("vouchers")
    .getByRole("button", { name: /^Actions for/ })
    .click()
  await owner.getByRole("menuitem", { name: "Delete" }).click()
  await owner.getByRole("button", { name: "Delete source" }).click()
  await expect(sourceRow("vouchers")).toHaveCount(0)
  const answers = await askPlayground(question)
  await expect(answers.getByText("No answer found", { exact: true })).toBeVisible()
  await expect(answers).toContainText("I could not find that")
  await expect(answers).not.toContainText("three years")
})

const repairs = formats.find(({ name }) => name === "repairs.md")!

const regression = "# Repairs\n\nTalk to the porter about opening a garage door.\n"

/** Gives the file its next version; resolves when that is read and, as `status` says, live or held. */
async function replaceRepairs(body: string, status: "ready" | "held") {
  await openScreen("Knowledge")
  // The preview chat of the screen before may still be sending.
  const read = owner.waitForResponse(
    (response) => response.request().method() === "POST" && response.url().includes("/sources/"),
  )
  await sourceRow("repairs")
    .getByRole("button", { name: /^Actions for/ })
    .click()
  const chooser = owner.waitForEvent("filechooser")
  await owner.getByRole("menuitem", { name: "Replace the file" }).click()
  await (await chooser).setFiles({
    name: repairs.name,
    mimeType: repairs.mimeType,
    buffer: Buffer.from(body),
  })
  const { id } = await (await read).json()
  const [, tenantId] = /console\/(ten_[^/]+)/.exec(owner.url()) ?? []
  await expect
    .poll(async () => {
      const answer = await owner.request.get(
        owner.url().replace(/\/console\/.*/, `/api/console/${tenantId}/bots/${botId()}/sources`),
      )
      const { data } = (await answer.json()) as { data: SourceView[] }
      const source = data.find((each) => each.id === id)
      // "Ready" alone may still be the version before.
      const isThisVersion = status === "held" || source?.byteSize === Buffer.byteLength(body)
      return source?.status === status && isThisVersion
    })
    .toBe(true)
}

test("a regression that was planted is named before publishing, and nothing is published", async () => {
  const answers = await askPlayground(repairs.question)
  await answers.getByRole("button", { name: "Save as golden question" }).click()
  await expect(
    owner.getByText("Saved. It is asked before you publish.", { exact: true }),
  ).toBeVisible()
  await openScreen("Quality")
  await owner.getByRole("button", { name: "Run now" }).click()
  await expect(owner.getByText("1 of 1 golden question passed.", { exact: true })).toBeVisible()

  const publish = async () => {
    await openScreen("Embed")
    await owner.getByRole("button", { name: "Publish", exact: true }).click()
  }
  await replaceRepairs(regression, "ready")
  await publish()
  const gate = owner.getByRole("dialog", { name: "This makes some answers worse" })
  await expect(gate).toContainText(repairs.question)
  await gate.getByRole("button", { name: "Keep it as it is" }).click()
  await expect(owner.getByText("This bot isn’t published").first()).toBeVisible()

  await replaceRepairs(String(repairs.body), "ready")
  await publish()
  await expect(owner.getByText("This bot isn’t published")).toHaveCount(0)
})

test("the same regression, uploaded once the bot is live, waits for the owner and reaches no visitor", async () => {
  await replaceRepairs(regression, "held")
  const waiting = owner.getByRole("list", { name: "Waiting for you" }).getByRole("listitem")
  await expect(waiting.filter({ hasText: "repairs" })).toContainText(repairs.question)
  await expect(waiting.filter({ hasText: "repairs" })).toContainText("1 question would get worse.")
  await expect(sourceRow("repairs").getByText("Waiting for you", { exact: true })).toBeVisible()
  const before = await askPlayground(repairs.question)
  await expect(before.getByText("Answered", { exact: true })).toBeVisible()
  await expect(before).toContainText(repairs.answer)

  // Thrown away, the earlier version stays; put live all the same, it answers for what it is.
  await openScreen("Knowledge")
  await owner.getByRole("button", { name: "Discard: repairs" }).click()
  await expect(owner.getByRole("list", { name: "Waiting for you" })).toHaveCount(0)
  await expect(sourceRow("repairs").getByText("Ready", { exact: true })).toBeVisible()
  await replaceRepairs(regression, "held")
  await owner.getByRole("button", { name: "Put it live anyway: repairs" }).click()
  await expect(sourceRow("repairs").getByText("Ready", { exact: true })).toBeVisible()
  const after = await askPlayground(repairs.question)
  await expect(after).not.toContainText(repairs.answer)

  // What makes nothing worse goes live by itself.
  await replaceRepairs(String(repairs.body), "ready")
  await expect(await askPlayground(repairs.question)).toContainText(repairs.answer)
})
