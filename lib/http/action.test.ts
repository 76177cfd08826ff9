import { encode } from "next-auth/jwt"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { z } from "zod"
import { signIn } from "#lib/auth/commands.ts"
import { sessionCookie } from "#lib/auth/options.ts"
import { updateBot } from "#lib/bots/commands.ts"
import { env } from "#lib/env.ts"
import { clientHeader } from "#lib/limits/client-ip.ts"
import { newSecret } from "#lib/secrets.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { endSignIn } from "#lib/tenancy/directory.ts"
import { type MadeTenant, makeTenant } from "#prisma/factories.ts"
import { memberAction, publicAction, userAction } from "./action.ts"

const incoming = vi.hoisted(() => ({ headers: new Headers() }))
vi.mock("next/headers", () => ({ headers: async () => incoming.headers }))

let tenant: MadeTenant
let signInId: string
let cookie: string

beforeAll(async () => {
  tenant = await makeTenant()
  const signedIn = await signIn({ email: tenant.email, password: tenant.password }, newIp())
  signInId = signedIn!.signInId
  const token = await encode({ token: { signInId }, secret: env.AUTH_SECRET! })
  cookie = `${sessionCookie}=${token}`
})
afterAll(disconnect)
beforeEach(() => arrive())

const newIp = () => `test-${newSecret(6)}`

/** How the next call arrives: by default from a page of the console, signed in. */
function arrive(changes: Record<string, string | null> = {}) {
  const headers = { cookie, origin: env.APP_URL, [clientHeader]: newIp(), ...changes }
  incoming.headers = new Headers(
    Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== null),
  )
}

const input = z.strictObject({ name: z.string().min(1, "Give it a name.") })
const handle = vi.fn(async ({ input }: { input: { name: string } }) => input.name)
const rename = memberAction({ permission: "bots.write", input, handle })
const own = userAction({ input, handle: async ({ input }) => input.name })
const open = publicAction({ input, handle: async ({ input }) => input.name })

const refusedWith = (code: string) => ({ ok: false, problem: { code } })

test("a member's action runs for who may, and says what came of it", async () => {
  expect(await rename(tenant.tenantId, { name: "Rita" })).toEqual({ ok: true, data: "Rita" })
})

describe("an action is refused, and never throws,", () => {
  test.each([
    ["https://evil.test"],
    ["null"],
    [env.WIDGET_URL],
    [`${env.APP_URL}.evil.test`],
    [null],
  ])("from a page of %s", async (origin) => {
    for (const call of [
      () => rename(tenant.tenantId, { name: "x" }),
      () => own({ name: "x" }),
      () => open({ name: "x" }),
    ]) {
      arrive({ origin })
      handle.mockClear()
      expect(await call()).toMatchObject(refusedWith("forbidden"))
      expect(handle).not.toHaveBeenCalled()
    }
  })

  test("without a sign-in, or with one that has ended", async () => {
    arrive({ cookie: null })
    expect(await rename(tenant.tenantId, { name: "x" })).toMatchObject(refusedWith("unauthorized"))
    expect(await own({ name: "x" })).toMatchObject(refusedWith("unauthorized"))
  })

  test("in another tenant, whatever the arguments look like", async () => {
    const other = await makeTenant()
    const wrong = [other.tenantId, "", "x", null, undefined, {}, { tenantId: tenant.tenantId }, []]
    for (const id of wrong)
      expect(await rename(id as string, { name: "x" })).toMatchObject(refusedWith("not_found"))
  })

  test("with input that does not fit, naming each field", async () => {
    for (const bad of [{ name: "" }, {}, null, undefined, [], "x", { name: "x", tenantId: "b" }])
      expect(await rename(tenant.tenantId, bad as { name: string })).toMatchObject(
        refusedWith("invalid"),
      )
    expect(await rename(tenant.tenantId, { name: "" })).toEqual({
      ok: false,
      problem: {
        code: "invalid",
        title: expect.any(String),
        detail: "Give it a name.",
        issues: [{ path: "name", message: "Give it a name." }],
      },
    })
  })

  test("when the handler breaks, without a word of why", async () => {
    const breaks = memberAction({
      permission: "bots.write",
      input,
      handle: () => Promise.reject(new Error("select password from users")),
    })
    const result = await breaks(tenant.tenantId, { name: "x" })
    expect(result).toMatchObject(refusedWith("internal"))
    expect(JSON.stringify(result)).not.toContain("select")
  })

  test("when what it names is another tenant's", async () => {
    const other = await makeTenant()
    const steal = memberAction({
      permission: "bots.write",
      input: z.strictObject({ botId: z.string() }),
      handle: ({ scope, input }) => updateBot(scope, input.botId, { name: "Mine" }),
    })
    expect(await steal(tenant.tenantId, { botId: other.botId })).toMatchObject(
      refusedWith("not_found"),
    )
  })
})

test("the role in force counts at each call, before the input is looked at", async () => {
  await withTenant(tenant.scope, (tx) => tx.membership.updateMany({ data: { role: "viewer" } }))
  expect(await rename(tenant.tenantId, {} as { name: string })).toMatchObject(
    refusedWith("forbidden"),
  )
  await withTenant(tenant.scope, (tx) => tx.membership.updateMany({ data: { role: "member" } }))
  arrive()
  expect(await rename(tenant.tenantId, { name: "Rita" })).toMatchObject({ ok: true })
})

test("anyone's action needs no sign-in but the console's own page", async () => {
  arrive({ cookie: null })
  expect(await open({ name: "x" })).toEqual({ ok: true, data: "x" })
})

test("signed out, the next call is refused", async () => {
  await endSignIn(signInId)
  expect(await rename(tenant.tenantId, { name: "x" })).toMatchObject(refusedWith("unauthorized"))
})
