import { openShop } from "./counter.ts"
import { expect, test } from "./fixtures.ts"
import { addMembership, makePeople, signIn, withDatabase } from "./walls/two-tenants.ts"

// An owner looks after the team and after their own devices, on the screen.

test("A07, A16 an owner lowers and removes people, and signs another device out", async ({
  deployment,
  browser,
}) => {
  const shop = await openShop(deployment)
  const join = await makePeople(deployment)
  const cookies = {
    owner: await join(shop.tenantId, "owner"),
    viewer: await join(shop.tenantId, "viewer"),
  }
  const { rows } = await withDatabase(deployment, (client) =>
    client.query<{ id: string; email: string; role: string }>(
      `select u.id, u.email, m.role from memberships m join users u on u.id = m.user_id
       where m.tenant_id = $1`,
      [shop.tenantId],
    ),
  )
  const viewer = rows.find(({ role }) => role === "viewer")!
  const open = async (cookie: string) => {
    const context = await browser.newContext()
    const [name, value] = cookie.split("=", 2) as [string, string]
    await context.addCookies([{ name, value, url: deployment.appUrl }])
    return context.newPage()
  }
  const page = await open(cookies.owner)
  const theirs = await open(cookies.viewer)
  await theirs.goto(`${deployment.appUrl}/console/${shop.tenantId}/team`)
  await expect(theirs.getByRole("table", { name: "Team" })).toBeVisible()
  await expect(theirs.getByRole("combobox")).toHaveCount(0)
  await expect(theirs.getByRole("button", { name: /^Remove/ })).toHaveCount(0)

  await page.goto(`${deployment.appUrl}/console/${shop.tenantId}/team`)
  await page.getByLabel(`Role of ${viewer.email}`).selectOption("member")
  await expect(page.getByText("Member from their next click on.", { exact: true })).toBeVisible()
  await page.reload()
  await expect(page.getByLabel(`Role of ${viewer.email}`)).toHaveValue("member")
  // The only owner can neither be lowered nor removed: not even offered.
  await expect(page.getByRole("combobox")).toHaveCount(1)
  await page.getByRole("button", { name: `Remove ${viewer.email}` }).click()
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click()
  await expect(page.getByText(viewer.email)).toHaveCount(0)
  await theirs.reload()
  await expect(theirs.getByRole("table", { name: "Team" })).toHaveCount(0)

  // Their own business is untouched; here another device of theirs is signed out by themselves.
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  const person = await makeTenant()
  await disconnect()
  await addMembership(deployment, shop.tenantId, person.userId, "member")
  const [here, there] = [
    await open(await signIn(deployment, person.email, person.password)),
    await open(await signIn(deployment, person.email, person.password)),
  ]
  await there.goto(`${deployment.appUrl}/console/${shop.tenantId}/settings`)
  await here.goto(`${deployment.appUrl}/console/${shop.tenantId}/settings`)
  const signIns = here.getByRole("region", { name: "Where you are signed in" })
  await expect(signIns.getByText("This device", { exact: true })).toBeVisible()
  await here.getByRole("button", { name: "Sign out there" }).click()
  await expect(here.getByText("Signed out there.", { exact: true })).toBeVisible()
  await expect(here.getByRole("button", { name: "Sign out there" })).toHaveCount(0)
  await there.reload()
  await expect(there).toHaveURL(/\/sign-in/)
  for (const one of [page, theirs, here, there]) await one.context().close()
})
