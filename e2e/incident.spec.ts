import type { Page } from "@playwright/test"
import {
  ask,
  call,
  newAddress,
  openSession,
  openShop,
  returnsQuestion,
  type Session,
  type Shop,
  sendMessage,
} from "./counter.ts"
import type { Deployment } from "./deployment.ts"
import { expect, test } from "./fixtures.ts"
import { makePeople } from "./walls/two-tenants.ts"

// From alarm to safe: a tag that strangers abuse, and an owner who has three clicks.

type Scene = { shop: Shop; thief: Session; page: Page; clicks: () => number }

/** A tag with eight chats from one address and many refused ones, and its owner on the Embed page. */
async function stage(deployment: Deployment, page: Page): Promise<Scene> {
  const shop = await openShop(deployment)
  const ip = newAddress()
  const sessions: Session[] = []
  for (let i = 0; i < 8; i++) sessions.push(await openSession(deployment, shop, { ip }))
  for (let i = 0; i < 3; i++)
    await call(deployment, "/api/embed/ticket", {
      headers: { origin: "https://evil.example" },
      ip: newAddress(),
      body: { key: shop.key },
    })
  const thief = sessions[0]!
  await ask(deployment, thief.token, returnsQuestion)

  const signInAs = await makePeople(deployment)
  const cookie = await signInAs(shop.tenantId, "owner")
  const [name, value] = [
    cookie.slice(0, cookie.indexOf("=")),
    cookie.slice(cookie.indexOf("=") + 1),
  ]
  await page.context().addCookies([{ name, value, url: deployment.appUrl }])
  let clicks = 0
  await page.exposeFunction("countClick", () => {
    clicks += 1
  })
  await page.addInitScript(() => {
    const count = (window as unknown as { countClick: () => void }).countClick
    addEventListener("click", (event) => event.isTrusted && count(), { capture: true })
  })
  await page.goto(`${deployment.appUrl}/console/${shop.tenantId}/bots/${shop.botId}/embed`)
  return { shop, thief, page, clicks: () => clicks }
}

async function buy(deployment: Deployment, { key, origin }: Pick<Shop, "key" | "origin">) {
  const { status, body } = await call(deployment, "/api/embed/ticket", {
    headers: { origin },
    ip: newAddress(),
    body: { key },
    process: 1,
  })
  return [status, body.code]
}

async function say(deployment: Deployment, { token }: Session): Promise<number> {
  const answer = await sendMessage(deployment, token, returnsQuestion, { process: 1 })
  await answer.body?.cancel()
  return answer.status
}

const openCheck = (page: Page) => page.getByRole("link", { name: /^Check for abuse/ }).click()

test("three clicks switch an abused tag off: its line and every pass bought with it are refused", async ({
  deployment,
  page,
}) => {
  const { shop, thief, clicks } = await stage(deployment, page)
  await openCheck(page)
  await page.getByRole("button", { name: "Switch off" }).click()
  await page.getByRole("dialog").getByRole("button", { name: "Switch off" }).click()
  await expect(page.getByRole("switch")).not.toBeChecked()
  expect(clicks()).toBe(3)
  expect(await say(deployment, thief)).toBe(401)
  expect((await buy(deployment, shop))[0]).toBe(401)
})

test("three clicks replace the line: the old one and its passes are dead, the new one opens", async ({
  deployment,
  page,
}) => {
  const { shop, thief, clicks } = await stage(deployment, page)
  await openCheck(page)
  await page.getByRole("button", { name: "Replace the line now" }).click()
  await page.getByRole("dialog").getByRole("button", { name: "Replace the line" }).click()
  await expect(page.getByText("Replaced. This is the new line:")).toBeVisible()
  expect(clicks()).toBe(3)
  expect(await say(deployment, thief)).toBe(401)
  expect((await buy(deployment, shop))[0]).toBe(401)
  const { body } = await shop.api<{ key: string }>(`/v1/embed-keys/${shop.keyId}`)
  await expect(page.getByText(body.key)).toBeVisible()
  expect((await buy(deployment, { ...shop, key: body.key }))[0]).toBe(201)

  // The website's last visitor came with the old line: the card says where the new one is missing.
  await page.getByRole("link", { name: "All tags" }).click()
  await expect(page.getByText("This tag has a new line")).toBeVisible()
  await expect(page.getByText(/where the old one was last seen/)).toContainText("shop.localhost")
})

test("the page shows what happened, keeps an address out, cuts a visitor off, tightens, and ends in a report", async ({
  deployment,
  page,
}) => {
  const { shop, thief } = await stage(deployment, page)
  await openCheck(page)
  const addresses = page.getByRole("region", { name: "Addresses" })
  await expect(addresses.getByText("8 chats")).toBeVisible()
  const refused = page.getByRole("region", { name: "Turned away" })
  await expect(refused.getByText("Came from a website you have not allowed")).toBeVisible()

  const visitors = page.getByRole("table", { name: "Latest visitors" })
  await visitors.getByRole("button", { name: "End chat" }).first().click()
  await expect(visitors.getByText("Ended")).toHaveCount(1)
  await visitors.getByRole("button", { name: "Block visitor" }).first().click()
  await expect(visitors.getByRole("button", { name: "Let back in" })).toHaveCount(1)

  await addresses.getByRole("button", { name: /^Keep out/ }).click()
  await expect(addresses.getByText("Kept out", { exact: true })).toBeVisible()
  expect(await say(deployment, thief)).toBe(401)
  const keptOut = page.getByRole("region", { name: "Kept out" })
  await keptOut.getByLabel("Keep out an address or a range").fill("0.0.0.0/0")
  await keptOut.getByRole("button", { name: "Keep out", exact: true }).click()
  await expect(keptOut.getByRole("alert")).toContainText("Enter an address such as")
  await keptOut.getByLabel("Keep out an address or a range").fill("203.0.113.9/24")
  await keptOut.getByRole("button", { name: "Keep out", exact: true }).click()
  await expect(keptOut.getByText("203.0.113.0/24", { exact: true })).toBeVisible()
  await keptOut.getByRole("button", { name: "Let 203.0.113.0/24 back in" }).click()
  await expect(keptOut.getByText("203.0.113.0/24", { exact: true })).toHaveCount(0)

  await page.getByRole("button", { name: "Tighten limits" }).click()
  await expect(page.getByLabel("Messages a minute, one visitor")).toHaveValue("5")
  await page.getByLabel(/^Spending limit a month/).fill("7.29")
  await page.getByRole("button", { name: "Save limits" }).click()
  await expect
    .poll(async () => (await shop.api(`/v1/embed-keys/${shop.keyId}`)).body.limits)
    .toMatchObject({ monthlySpendMinor: 729, messagesPerMinutePerSession: 5 })
  await page.getByLabel("Bot check").selectOption("always")
  await expect
    .poll(async () => (await shop.api(`/v1/embed-keys/${shop.keyId}`)).body.botCheck)
    .toBe("always")
  await expect(
    page.getByText("The most a stolen copy of this tag can cost in a day at these settings"),
  ).toBeVisible()

  const download = page.waitForEvent("download")
  await page.getByRole("button", { name: "Download report" }).click()
  const stream = await (await download).createReadStream()
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  const report = Buffer.concat(chunks).toString("utf8")
  expect(report).toContain("[x] Addresses kept out?")
  expect(report).toContain("Came from a website you have not allowed: 3")
  expect(report).not.toContain(thief.token)
})
