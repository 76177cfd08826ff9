import type { Page } from "@playwright/test"
import { openShop, type Shop } from "./counter.ts"
import type { Deployment } from "./deployment.ts"
import { expect, test } from "./fixtures.ts"
import { makePeople } from "./walls/two-tenants.ts"

// The owner's screen for tools. What tools do in a chat stands in lib/chat/tools.test.ts: no test may loosen the
// way out of a built deployment, so none can be called here.

async function openTools(
  deployment: Deployment,
  page: Page,
  shop: Shop,
  role: "owner" | "viewer",
): Promise<void> {
  const cookie = await (await makePeople(deployment))(shop.tenantId, role)
  const at = cookie.indexOf("=")
  const [name, value] = [cookie.slice(0, at), cookie.slice(at + 1)]
  await page.context().addCookies([{ name, value, url: deployment.appUrl }])
  await page.goto(`${deployment.appUrl}/console/${shop.tenantId}/bots/${shop.botId}/tools`)
}

test("an owner adds a tool, allows it on a tag, tries it, changes it and removes it", async ({
  deployment,
  page,
}) => {
  const shop = await openShop(deployment)
  await openTools(deployment, page, shop, "owner")
  await page.getByRole("button", { name: "Add a tool" }).click()
  const dialog = page.getByRole("dialog")
  await dialog.getByLabel("Name", { exact: true }).fill("cancel_order")
  await dialog.getByLabel("When the bot should use it").fill("Cancels an order.")
  await dialog.getByLabel("Method").selectOption("POST")
  await dialog.getByLabel("Address").fill("https://127.0.0.1/orders/{order}")
  await dialog.getByRole("button", { name: "Add a value" }).click()
  await dialog.getByLabel("Name", { exact: true }).last().fill("order")
  await dialog.getByLabel("Headers").fill("Authorization: Bearer shop-secret-4711")
  await dialog.getByRole("button", { name: "Add tool" }).click()
  // Refused beside its field, and what was typed is still there.
  await expect(dialog.getByText("This address cannot be used.")).toBeVisible()
  await expect(dialog.getByLabel("Headers")).toHaveValue("Authorization: Bearer shop-secret-4711")
  await dialog.getByLabel("Address").fill("https://93.184.216.34:1/orders/{order}")
  await dialog.getByRole("button", { name: "Add tool" }).click()
  await expect(dialog.getByText("This address cannot be used.")).toBeVisible()
  await dialog.getByLabel("Address").fill("https://tools.invalid-shop.example/orders/{order}")
  await dialog.getByRole("button", { name: "Add tool" }).click()
  await expect(page.getByRole("row", { name: /cancel_order/ })).toContainText(
    "Not allowed on any tag yet",
  )

  const act = async (name: string) => {
    await page.getByRole("button", { name: "Actions for cancel_order" }).click()
    await page.getByRole("menuitem", { name }).click()
  }
  await act("Where it may run")
  await dialog.getByRole("checkbox").check()
  await dialog.getByRole("button", { name: "Save" }).click()
  await expect(page.getByRole("row", { name: /cancel_order/ })).toContainText("On 1 tag")
  const key = await shop.api<{ tools: string[] }>(`/v1/embed-keys/${shop.keyId}`)
  const tools = await shop.api<{ data: { id: string; parameters: object }[] }>(
    `/v1/bots/${shop.botId}/tools`,
  )
  expect(key.body.tools).toEqual([tools.body.data[0]!.id])
  expect(tools.body.data[0]).toMatchObject({
    isWrite: true,
    headerNames: ["Authorization"],
    parameters: { properties: { order: { type: "string" } }, required: ["order"] },
  })

  await act("Try it")
  await expect(dialog.getByText("it does so now")).toBeVisible()
  await dialog.getByLabel("order").fill("17")
  await dialog.getByRole("button", { name: "Call it now" }).click()
  await expect(dialog.getByText("It did not work")).toBeVisible({ timeout: 20_000 })
  await page.keyboard.press("Escape")

  await act("Change")
  await expect(dialog.getByText("Stored and not shown: Authorization")).toBeVisible()
  expect(await page.content()).not.toContain("shop-secret")
  await dialog.getByLabel("What it does").selectOption("read")
  await dialog.getByRole("button", { name: "Save" }).click()
  await expect(page.getByRole("row", { name: /cancel_order/ })).toContainText("Looks up")
  await page.getByRole("switch", { name: "cancel_order is on" }).click()
  await expect(page.getByRole("switch", { name: "cancel_order is on" })).not.toBeChecked()

  await act("Delete")
  await dialog.getByRole("button", { name: "Delete tool" }).click()
  await expect(page.getByText("No tools yet")).toBeVisible()
  const events = await shop.api<{ data: { action: string }[] }>("/v1/audit-events?limit=100")
  const actions = events.body.data.map(({ action }) => action)
  for (const action of ["tool.created", "tool.tried", "tool.changed", "tool.deleted"])
    expect(actions).toContain(action)
  expect(events.text).not.toContain("shop-secret")
})

test("an MCP server that does not answer is not added, and says so beside its address", async ({
  deployment,
  page,
}) => {
  const shop = await openShop(deployment)
  await openTools(deployment, page, shop, "owner")
  await page.getByRole("button", { name: "Add an MCP server" }).click()
  const dialog = page.getByRole("dialog")
  await dialog.getByLabel("Name", { exact: true }).fill("Stock system")
  await dialog.getByLabel("Address").fill("https://tools.invalid-shop.example/mcp")
  await dialog.getByLabel("Headers").fill("just a word")
  await dialog.getByRole("button", { name: "Add server" }).click()
  await expect(dialog.getByText("Write each as Name: value, one a line.")).toBeVisible()
  await dialog.getByLabel("Headers").fill("X-Key: stock-secret")
  await dialog.getByRole("button", { name: "Add server" }).click()
  await expect(dialog.getByText("The server did not answer.")).toBeVisible({ timeout: 20_000 })
  await expect(dialog.getByLabel("Name", { exact: true })).toHaveValue("Stock system")
  await page.keyboard.press("Escape")
  await expect(page.getByText("No tools yet")).toBeVisible()
})

test("a viewer sees the tools and can change none of them", async ({ deployment, page }) => {
  const shop = await openShop(deployment)
  await shop.api(`/v1/bots/${shop.botId}/tools`, {
    body: { name: "order_status", description: "x", url: "https://93.184.216.34/" },
  })
  await openTools(deployment, page, shop, "viewer")
  await expect(page.getByRole("row", { name: /order_status/ })).toBeVisible()
  await expect(page.getByRole("switch", { name: "order_status is on" })).toBeDisabled()
  for (const name of ["Add a tool", "Add an MCP server", /^Actions for/])
    await expect(page.getByRole("button", { name })).toHaveCount(0)
})
