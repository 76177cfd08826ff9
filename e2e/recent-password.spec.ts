import type { Locator, Page } from "@playwright/test"
import type { Deployment } from "./deployment.ts"
import { expect, test } from "./fixtures.ts"
import { signIn, withDatabase } from "./walls/two-tenants.ts"

// A browser that was left open all day is asked for the password before it makes a secret, and the form
// behind the question keeps what was typed.

async function openAt(page: Page, deployment: Deployment, path: string) {
  // The factories read the environment once, when they are first imported.
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  const owner = await makeTenant()
  await disconnect()
  const cookie = await signIn(deployment, owner.email, owner.password)
  await withDatabase(deployment, (client) =>
    client.query("update sign_ins set confirmed_at = now() - interval '1 day' where user_id = $1", [
      owner.userId,
    ]),
  )
  const [name, value] = cookie.split("=", 2) as [string, string]
  await page.context().addCookies([{ name, value, url: deployment.appUrl }])
  await page.goto(`${deployment.appUrl}/console/${owner.tenantId}/${path}`)
  return owner
}

async function answer(question: Locator, password: string) {
  await question.getByLabel("Password").fill(password)
  await question.getByRole("button", { name: "Go on" }).click()
}

test("A15 a day-old sign-in asks for the password before it makes an API key, and once an hour", async ({
  deployment,
  page,
}) => {
  const owner = await openAt(page, deployment, "api-keys")
  const form = page.getByRole("dialog", { name: "New API key" })
  const question = page.getByRole("dialog", { name: "Is it still you?" })
  const secret = page.getByRole("dialog", { name: "Copy it now" })
  await page.getByRole("button", { name: "New API key" }).click()
  await form.getByLabel("Name").fill("Booking server")
  await form.getByLabel("Expires").selectOption("30")
  await form.getByRole("button", { name: "Create key" }).click()
  await expect(question.getByLabel("Password")).toBeFocused()

  // Closed without a password nothing is made, and the form says what is missing.
  await question.getByRole("button", { name: "Not now" }).click()
  await expect(form.getByRole("alert")).toContainText("Your password is needed for this.")
  await expect(form.getByLabel("Name")).toHaveValue("Booking server")
  await form.getByRole("button", { name: "Create key" }).click()
  await answer(question, "not the password")
  await expect(question.getByText("This is not your current password.")).toBeVisible()
  await expect(secret).toHaveCount(0)

  await answer(question, owner.password)
  await expect(secret.getByText(/^sk_[0-9a-f]{48}$/)).toBeVisible()
  await secret.getByRole("button", { name: "I have copied it" }).click()
  await expect(page.getByRole("row", { name: /Booking server/ })).toHaveCount(1)

  // Within the hour the next one is made at once.
  await page.getByRole("button", { name: "Replace Booking server" }).click()
  await page.getByRole("dialog").getByRole("button", { name: "Replace key" }).click()
  await expect(secret.getByText(/^sk_[0-9a-f]{48}$/)).toBeVisible()
  await expect(question).toHaveCount(0)
})

test("A15 a day-old sign-in asks for the password before it saves a language model", async ({
  deployment,
  page,
}) => {
  const owner = await openAt(page, deployment, "settings")
  const question = page.getByRole("dialog", { name: "Is it still you?" })
  await page.getByLabel("Provider").selectOption("openai-compatible")
  await page.getByLabel("Model", { exact: true }).fill("house-model")
  await page.getByLabel("Address").fill("https://93.184.216.34/v1")
  await page.getByLabel("Key", { exact: true }).fill("sk-not-a-real-key")
  for (const name of ["Words it reads", "Words it read before", "Words it writes"])
    await page.getByLabel(name, { exact: true }).fill("0")
  await page.getByRole("button", { name: "Save model" }).click()
  await expect(question).toBeVisible()
  await page.keyboard.press("Escape")
  await expect(question).toHaveCount(0)
  await expect(page.getByLabel("Key", { exact: true })).toHaveValue("sk-not-a-real-key")
  await page.getByRole("button", { name: "Save model" }).click()
  await answer(question, owner.password)
  await expect(page.getByText("Saved. It writes the next answer.", { exact: true })).toBeVisible()
  await expect(page.getByText(/Ends in -key\./)).toBeVisible()
})
