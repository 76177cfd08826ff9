import { newAddress } from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"

const email = `owner-${Date.now()}@example.com`
const password = "a sentence that is long enough"

/** Signs in as the page does, over next-auth's own routes; the cookies it sets, by name. */
async function enter(
  { appUrl }: Deployment,
  given: { password: string; cookies?: string[]; emails?: string[] },
): Promise<Record<string, string>> {
  const address = { "x-forwarded-for": newAddress() }
  const csrf = await fetch(`${appUrl}/api/auth/csrf`, { headers: address })
  const first = csrf.headers.getSetCookie().map((cookie) => cookie.split(";")[0]!)
  const { csrfToken } = (await csrf.json()) as { csrfToken: string }
  const answer = await fetch(`${appUrl}/api/auth/callback/credentials`, {
    method: "POST",
    redirect: "manual",
    headers: {
      ...address,
      "content-type": "application/x-www-form-urlencoded",
      cookie: [...first, ...(given.cookies ?? [])].join("; "),
    },
    body: new URLSearchParams([
      ...(given.emails ?? [email]).map((one) => ["email", one]),
      ...Object.entries({ csrfToken, password: given.password, json: "true" }),
    ]),
  })
  await answer.text()
  const pairs = answer.headers.getSetCookie().map((cookie) => cookie.split(";")[0]!)
  return Object.fromEntries(pairs.map((pair) => [pair.split("=")[0]!, pair]))
}

const session = "coatcheck.session"
const device = "coatcheck.device"

test("A01 100 wrong passwords from many addresses throttle the account; its owner still enters on a known device", async ({
  deployment,
}) => {
  test.setTimeout(180_000)
  // The factories read the environment once, when they are first imported.
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  await makeTenant({ email, password })
  await disconnect()

  const known = await enter(deployment, { password })
  expect(known[session]).toBeDefined()
  expect(known[device]).toBeDefined()
  for (let i = 0; i < 100; i += 10)
    await Promise.all(
      Array.from({ length: 10 }, () => enter(deployment, { password: "wrong password" })),
    )
  // Whoever comes without the device is kept out, with the right password too, and is given none.
  const stranger = await enter(deployment, { password })
  expect([stranger[session], stranger[device]]).toEqual([undefined, undefined])
  const cookies = [known[device]!]
  expect((await enter(deployment, { password, cookies }))[session]).toBeDefined()
  // A copied device opens nothing, and has ten tries.
  for (let i = 0; i < 10; i++)
    expect((await enter(deployment, { password: "wrong", cookies }))[session]).toBeUndefined()
  expect((await enter(deployment, { password, cookies }))[session]).toBeUndefined()
})

test("A01 signing in with one account makes no known device of another, whatever else the body says", async ({
  deployment,
}) => {
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  const { readDevice } = await import("#lib/auth/device.ts")
  const own = `attacker-${Date.now()}@example.com`
  const victim = `victim-${Date.now()}@example.com`
  await makeTenant({ email: own, password })
  await disconnect()
  // next-auth reads the last of two, a form reader the first.
  for (const emails of [[own], [victim, own]]) {
    const entered = await enter(deployment, { password, emails })
    expect(entered[session]).toBeDefined()
    expect(readDevice(entered[device], own)).not.toBeNull()
    expect(readDevice(entered[device], victim)).toBeNull()
  }
})
