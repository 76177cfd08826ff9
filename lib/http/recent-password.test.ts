import { encode } from "next-auth/jwt"
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest"
import {
  confirmPassword,
  createApiKey,
  createBot,
  deleteApiKey,
  rotateApiKey,
  saveModel,
} from "#app/console/[tenant]/actions.ts"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { signIn } from "#lib/auth/commands.ts"
import { sessionCookie } from "#lib/auth/options.ts"
import { env } from "#lib/env.ts"
import { listApiKeys } from "#lib/keys/queries.ts"
import { clientHeader } from "#lib/limits/client-ip.ts"
import { findTenantModel } from "#lib/models/queries.ts"
import { newSecret } from "#lib/secrets.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { type MadeTenant, makeTenant } from "#prisma/factories.ts"
import { withClient } from "#runtime/database-roles.ts"

const incoming = vi.hoisted(() => ({ headers: new Headers() }))
vi.mock("next/headers", () => ({ headers: async () => incoming.headers }))

afterAll(disconnect)

const newIp = () => `test-${newSecret(6)}`
const refusedWith = (code: string) => ({ ok: false, problem: { code } })

let tenant: MadeTenant
let signInId: string
let keyId: string

/** A browser of the owner's, which sends what comes next. */
async function enter(): Promise<string> {
  const { email, password } = tenant
  const entered = await signIn({ email, password }, newIp())
  await use(entered!.signInId)
  return entered!.signInId
}

async function use(id: string): Promise<void> {
  const token = await encode({ token: { signInId: id }, secret: env.AUTH_SECRET! })
  const cookie = `${sessionCookie}=${token}`
  incoming.headers = new Headers({ cookie, origin: env.APP_URL, [clientHeader]: newIp() })
}

/** As if the password had been given so long ago, or never. */
async function age(interval: string): Promise<void> {
  const superuser = new URL(process.env.TEST_SUPERUSER_URL ?? "")
  superuser.pathname = new URL(env.DATABASE_URL ?? "").pathname
  const { rowCount } = await withClient(superuser.href, (client) =>
    client.query("update sign_ins set confirmed_at = now() - $2::interval where id = $1", [
      signInId,
      interval,
    ]),
  )
  expect(rowCount).toBe(1)
}

const model = {
  provider: "openai-compatible" as const,
  url: "https://93.184.216.34/v1",
  name: "house-model",
  apiKey: "sk-not-a-real-key",
  inputPrice: "0",
  cachedPrice: "0",
  outputPrice: "0",
}

const readSecrets = async () => ({
  keys: (await listApiKeys(tenant.scope, { limit: 200 })).data,
  model: await findTenantModel(tenant.scope),
})

beforeEach(async () => {
  tenant = await makeTenant()
  signInId = await enter()
  const made = await createApiKey(tenant.tenantId, { name: "First" })
  keyId = made.ok ? made.data.id : ""
})

const acts = [
  ["making an API key", () => createApiKey(tenant.tenantId, { name: "Second" })],
  ["replacing an API key", () => rotateApiKey(tenant.tenantId, { keyId, overlapSeconds: 0 })],
  ["saving a language model", () => saveModel(tenant.tenantId, model)],
] as const

describe.each(acts)("A15 %s", (_, act) => {
  test.each(["60 minutes", "1 day", "29 days"])(
    "with a password given %s ago asks for it again, does nothing, and then does it",
    async (interval) => {
      const before = await readSecrets()
      await age(interval)
      expect(await act()).toMatchObject(refusedWith("password_required"))
      expect(await readSecrets()).toEqual(before)
      expect(await confirmPassword({ password: "wrong password" })).toMatchObject({
        ok: false,
        problem: { code: "invalid", issues: [{ path: "password" }] },
      })
      expect(await act()).toMatchObject(refusedWith("password_required"))
      expect(await confirmPassword({ password: tenant.password })).toMatchObject({ ok: true })
      expect(await act()).toMatchObject({ ok: true })
      expect(await readSecrets()).not.toEqual(before)
    },
  )

  test("with a password given 59 minutes ago is done at once", async () => {
    await age("59 minutes")
    expect(await act()).toMatchObject({ ok: true })
  })
})

test("a password is asked of who may do it, once their input fits", async () => {
  await age("1 day")
  expect(await createApiKey(tenant.tenantId, { name: "" })).toMatchObject(refusedWith("invalid"))
  await withTenant(tenant.scope, (tx) => tx.membership.updateMany({ data: { role: "viewer" } }))
  expect(await createApiKey(tenant.tenantId, { name: "x" })).toMatchObject(refusedWith("forbidden"))
})

test("what makes no secret asks for none", async () => {
  await age("1 day")
  expect(await createBot(tenant.tenantId, { name: "Rita" })).toMatchObject({ ok: true })
  expect(await deleteApiKey(tenant.tenantId, { keyId })).toMatchObject({ ok: true })
})

test("a password given in one browser confirms no other, and stands in the audit log", async () => {
  await age("1 day")
  const other = await enter()
  await confirmPassword({ password: tenant.password })
  await use(signInId)
  expect(await createApiKey(tenant.tenantId, { name: "x" })).toMatchObject(
    refusedWith("password_required"),
  )
  await use(other)
  expect(await createApiKey(tenant.tenantId, { name: "x" })).toMatchObject({ ok: true })
  const { data } = await listAuditEvents(tenant.scope, { noun: "member" })
  expect(data).toMatchObject([
    { action: "member.passwordConfirmed", target: tenant.userId, actor: { label: tenant.email } },
  ])
})

test("a stranger at an open browser has ten tries, and then the right password is no use either", async () => {
  await age("1 day")
  for (let i = 0; i < 10; i++)
    expect(await confirmPassword({ password: `guess ${i}` })).toMatchObject(refusedWith("invalid"))
  expect(await confirmPassword({ password: tenant.password })).toMatchObject(
    refusedWith("rate_limited"),
  )
  expect(await createApiKey(tenant.tenantId, { name: "x" })).toMatchObject(
    refusedWith("password_required"),
  )
  // Its owner signs in afresh, with tries of their own.
  await enter()
  expect(await createApiKey(tenant.tenantId, { name: "x" })).toMatchObject({ ok: true })
})
