import { encode } from "next-auth/jwt"
import { Client } from "pg"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { env } from "#lib/env.ts"
import { createApiKey, deleteApiKey, rotateApiKey } from "#lib/keys/api-keys.ts"
import { updateTenant } from "#lib/operator/commands.ts"
import { hashSecret, newSecret } from "#lib/secrets.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { endSignIn, findSignedInUser } from "#lib/tenancy/directory.ts"
import { permissionsOf } from "#lib/tenancy/permissions.ts"
import { type MadeTenant, makeTenant, scopeAs } from "#prisma/factories.ts"
import { changePassword, endSignInOf, signIn, signUp } from "./commands.ts"
import { authenticateApiKey, authenticateOperator } from "./keys.ts"
import { authenticateMember, readSignInId, requireMembership } from "./members.ts"
import { sessionCookie } from "./options.ts"
import { hashPassword, isPassword } from "./password.ts"
import { listOwnSignIns } from "./queries.ts"
import { signInInput, signUpInput } from "./schema.ts"

const masterKey = vi.hoisted(() => {
  process.env.MASTER_API_KEY = "m".repeat(40)
  return "m".repeat(40)
})

afterAll(disconnect)

const newIp = () => `test-${newSecret(6)}`
const newEmail = () => `person-${newSecret(6)}@example.com`

/** The Cookie header of a browser that holds this sign-in. */
async function cookieOf(signInId: string, secret = env.AUTH_SECRET!): Promise<string> {
  const token = await encode({ token: { signInId }, secret })
  return `other=1; ${sessionCookie}=${token}`
}

async function withSuperuser<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const address = new URL(process.env.TEST_SUPERUSER_URL!)
  address.pathname = new URL(env.DATABASE_URL!).pathname
  const client = new Client({ connectionString: address.href })
  await client.connect()
  return work(client).finally(() => client.end())
}

async function enter(tenant: MadeTenant) {
  const signedIn = await signIn({ email: tenant.email, password: tenant.password }, newIp())
  return { signInId: signedIn!.signInId, cookie: await cookieOf(signedIn!.signInId) }
}

describe("a password", () => {
  test("is kept as argon2id with OWASP's parameters, salted", async () => {
    const [a, b] = [await hashPassword("correct horse"), await hashPassword("correct horse")]
    expect(a).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(a).not.toBe(b)
    expect(await isPassword("correct horse", a)).toBe(true)
    expect(await isPassword("correct horse ", a)).toBe(false)
  })

  test("of nobody is checked all the same, and is never right", async () => {
    expect(await isPassword("nobody has this password", null)).toBe(false)
    const time = async (hash: string | null) => {
      const startedAt = performance.now()
      await isPassword("some password", hash)
      return performance.now() - startedAt
    }
    const known = await hashPassword("another")
    await time(null)
    const median = async (hash: string | null) => {
      const took = []
      for (let i = 0; i < 5; i++) took.push(await time(hash))
      return took.sort((a, b) => a - b)[2]!
    }
    // Without the dummy hash it would be a thousandth.
    expect(await median(null)).toBeGreaterThan((await median(known)) / 4)
  })
})

describe("signing in", () => {
  let tenant: MadeTenant
  beforeAll(async () => {
    tenant = await makeTenant()
  })

  test("takes the right password, however the address is spelled", async () => {
    const input = signInInput.parse({
      email: `  ${tenant.email.toUpperCase()} `,
      password: tenant.password,
    })
    expect((await signIn(input, newIp()))!.user.id).toBe(tenant.userId)
  })

  test("answers the same to a wrong password and to an address nobody has", async () => {
    const wrong = await signIn({ email: tenant.email, password: "wrong password" }, newIp())
    const nobody = await signIn({ email: newEmail(), password: "wrong password" }, newIp())
    expect(wrong).toBeNull()
    expect(nobody).toBeNull()
  })

  test("is tried ten times an account from one address; its owner still enters from another", async () => {
    const own = await makeTenant()
    const ip = newIp()
    for (let i = 0; i < 10; i++)
      expect(await signIn({ email: own.email, password: "wrong" }, ip)).toBeNull()
    const there = signIn({ email: own.email, password: own.password }, ip)
    await expect(there).rejects.toMatchObject({ code: "rate_limited", status: 429 })
    expect(await signIn({ email: own.email, password: own.password }, newIp())).not.toBeNull()
  })

  test("is limited just the same for an address nobody has", async () => {
    const email = newEmail()
    const ip = newIp()
    for (let i = 0; i < 10; i++) expect(await signIn({ email, password: "wrong" }, ip)).toBeNull()
    await expect(signIn({ email, password: "wrong" }, ip)).rejects.toMatchObject({
      code: "rate_limited",
    })
  })

  test("of many accounts from one address is limited too", async () => {
    const ip = newIp()
    const attempts = Array.from({ length: 40 }, () =>
      signIn({ email: newEmail(), password: "wrong" }, ip).catch((error) => error.code),
    )
    const outcomes = await Promise.all(attempts)
    expect(outcomes.filter((outcome) => outcome === "rate_limited")).toHaveLength(10)
  })

  test("makes a new sign-in each time; one browser's end is not the other's", async () => {
    const [first, second] = [await enter(tenant), await enter(tenant)]
    expect(first.signInId).not.toBe(second.signInId)
    await endSignIn(first.signInId)
    await expect(requireMembership(first.cookie, tenant.tenantId, newIp())).rejects.toMatchObject({
      code: "unauthorized",
    })
    await requireMembership(second.cookie, tenant.tenantId, newIp())
  })
})

describe("the cookie", () => {
  let tenant: MadeTenant
  beforeAll(async () => {
    tenant = await makeTenant()
  })

  test("replayed after signing out opens nothing, on the very next request", async () => {
    const { cookie, signInId } = await enter(tenant)
    await requireMembership(cookie, tenant.tenantId, newIp())
    await endSignIn(signInId)
    const replay = requireMembership(cookie, tenant.tenantId, newIp())
    await expect(replay).rejects.toMatchObject({ code: "unauthorized", status: 401 })
  })

  test("made with another secret, changed, or missing opens nothing", async () => {
    const { signInId, cookie } = await enter(tenant)
    const forged = await cookieOf(signInId, "another-secret-another-secret-another")
    const cookies = [null, "", "x", forged, `${cookie}x`, cookie.slice(0, -1), `${sessionCookie}=`]
    for (const header of cookies) expect(await readSignInId(header)).toBeNull()
    expect(await readSignInId(cookie)).toBe(signInId)
    for (const value of [signInId, Buffer.from(signInId).toString("base64")])
      expect(await readSignInId(`${sessionCookie}=${value}`)).toBeNull()
  })

  test("of a sign-in that ran out, or never was, opens nothing", async () => {
    const cookie = await cookieOf(`sgn_${newSecret(12)}`)
    await expect(requireMembership(cookie, tenant.tenantId, newIp())).rejects.toMatchObject({
      code: "unauthorized",
    })
  })

  test("opens one's own tenants; another's, and one that is not there, look alike", async () => {
    const { cookie } = await enter(tenant)
    const other = await makeTenant()
    const failures = []
    for (const id of [other.tenantId, `ten_${newSecret(12)}`, "", "x", undefined])
      failures.push(await requireMembership(cookie, id, newIp()).catch((error) => error))
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: "not_found", status: 404 })
      expect(failure.detail).toBe(failures[0].detail)
    }
  })

  test("is no consent: anything but a read must come from a page of the console", async () => {
    const { cookie } = await enter(tenant)
    const send = (method: string, origin: string | null) =>
      authenticateMember(
        new Request(`${env.APP_URL}/x`, {
          method,
          headers: { cookie, ...(origin === null ? {} : { origin }) },
        }),
        tenant.tenantId,
        newIp(),
      )
    const foreign = ["https://evil.test", "null", env.WIDGET_URL, `${env.APP_URL}.evil.test`, ""]
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      for (const origin of [...foreign, null])
        await expect(send(method, origin)).rejects.toMatchObject({ code: "forbidden" })
      expect((await send(method, env.APP_URL)).tenantId).toBe(tenant.tenantId)
    }
    await send("GET", null)
  })

  test("follows the role in force: lowered, it may less at once; removed, nothing", async () => {
    const own = await makeTenant()
    const { cookie } = await enter(own)
    const read = async () => (await requireMembership(cookie, own.tenantId, newIp())).scope
    expect((await read()).permissions).toEqual(permissionsOf("owner"))
    await withTenant(own.scope, (tx) => tx.membership.updateMany({ data: { role: "viewer" } }))
    expect((await read()).permissions).toEqual(permissionsOf("viewer"))
    await withTenant(own.scope, (tx) => tx.membership.deleteMany())
    await expect(read()).rejects.toMatchObject({ code: "unauthorized" })
  })

  test("A06 that nobody used for two weeks, or that is a month old, opens nothing", async () => {
    const own = await makeTenant()
    for (const change of [
      "last_seen_at = now() - interval '14 days 1 second'",
      "expires_at = now() - interval '1 second'",
    ]) {
      const { cookie, signInId } = await enter(own)
      await requireMembership(cookie, own.tenantId, newIp())
      const { rowCount } = await withSuperuser((client) =>
        client.query(`update sign_ins set ${change} where id = $1`, [signInId]),
      )
      expect(rowCount).toBe(1)
      await expect(requireMembership(cookie, own.tenantId, newIp())).rejects.toMatchObject({
        status: 401,
      })
      expect(await findSignedInUser(signInId)).toBeNull()
      expect(await listOwnSignIns(signInId)).toEqual([])
    }
  })

  test("opens no suspended tenant", async () => {
    const own = await makeTenant()
    const { cookie } = await enter(own)
    await updateTenant(own.tenantId, { status: "suspended" }, newIp())
    await expect(requireMembership(cookie, own.tenantId, newIp())).rejects.toMatchObject({
      status: 401,
    })
  })
})

describe("A16 one's own sign-ins", () => {
  test("are listed with their devices, and each can be ended from another on its next request", async () => {
    const tenant = await makeTenant()
    const on = async (device: string) => {
      const input = { email: tenant.email, password: tenant.password }
      const { signInId } = (await signIn(input, newIp(), null, device))!
      return { signInId, cookie: await cookieOf(signInId) }
    }
    const phone = await on("Safari on iPhone")
    const laptop = await on("Firefox on Linux")
    const listed = await listOwnSignIns(laptop.signInId)
    expect(listed.map(({ device, isCurrent }) => [device, isCurrent])).toEqual([
      ["Firefox on Linux", true],
      ["Safari on iPhone", false],
    ])
    await requireMembership(phone.cookie, tenant.tenantId, newIp())
    await endSignInOf(laptop.signInId, { signInId: phone.signInId }, "203.0.113.9")
    await expect(requireMembership(phone.cookie, tenant.tenantId, newIp())).rejects.toMatchObject({
      status: 401,
    })
    await requireMembership(laptop.cookie, tenant.tenantId, newIp())
    expect(await listOwnSignIns(laptop.signInId)).toHaveLength(1)
    const { data } = await listAuditEvents(tenant.scope, { noun: "member" })
    expect(data).toMatchObject([
      {
        action: "member.signedOut",
        actor: { label: tenant.email },
        after: { device: "Safari on iPhone" },
        ip: "203.0.113.9",
      },
    ])
  })

  test("are nobody else's to see or to end", async () => {
    const [own, stranger] = [await makeTenant(), await makeTenant()]
    const [mine, theirs] = [await enter(own), await enter(stranger)]
    for (const signInId of [theirs.signInId, "sgn_x"])
      await expect(endSignInOf(mine.signInId, { signInId })).rejects.toMatchObject({
        code: "not_found",
      })
    await requireMembership(theirs.cookie, stranger.tenantId, newIp())
    await endSignIn(mine.signInId)
    const late = endSignInOf(mine.signInId, { signInId: mine.signInId })
    await expect(late).rejects.toMatchObject({ code: "unauthorized" })
    expect(await listOwnSignIns(mine.signInId)).toEqual([])
  })
})

describe("a new password", () => {
  const newPassword = "a wholly new password"

  test("takes the current one, and signs every browser out on its next request", async () => {
    const tenant = await makeTenant()
    const [here, there] = [await enter(tenant), await enter(tenant)]
    await changePassword(here.signInId, { currentPassword: tenant.password, newPassword })
    for (const { cookie, signInId } of [here, there]) {
      await expect(requireMembership(cookie, tenant.tenantId, newIp())).rejects.toMatchObject({
        code: "unauthorized",
      })
      expect(await findSignedInUser(signInId)).toBeNull()
    }
    expect(await signIn({ email: tenant.email, password: tenant.password }, newIp())).toBeNull()
    expect(await signIn({ email: tenant.email, password: newPassword }, newIp())).not.toBeNull()
  })

  test("without the current one changes nothing, and guessing it is limited", async () => {
    const tenant = await makeTenant()
    const { signInId, cookie } = await enter(tenant)
    const guess = () => changePassword(signInId, { currentPassword: "guess", newPassword })
    for (let i = 0; i < 10; i++)
      await expect(guess()).rejects.toMatchObject({
        code: "invalid",
        issues: [{ path: "currentPassword" }],
      })
    await expect(guess()).rejects.toMatchObject({ code: "rate_limited" })
    await requireMembership(cookie, tenant.tenantId, newIp())
  })

  test("twice at once is set once", async () => {
    const tenant = await makeTenant()
    const { signInId } = await enter(tenant)
    const outcomes = await Promise.allSettled(
      [1, 2].map((n) =>
        changePassword(signInId, {
          currentPassword: tenant.password,
          newPassword: `${newPassword} ${n}`,
        }),
      ),
    )
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1)
  })

  test("takes a sign-in that stands", async () => {
    const change = changePassword("sgn_x", { currentPassword: "x", newPassword })
    await expect(change).rejects.toMatchObject({ code: "unauthorized" })
  })
})

describe("signing up", () => {
  const input = () =>
    signUpInput.parse({ name: "Rita's", email: newEmail(), password: newSecret(8) })

  test("makes a person, a tenant they own and a bot that is not published", async () => {
    const person = input()
    const { tenantId, botId } = await signUp(person, newIp())
    const { signInId } = (await signIn(person, newIp()))!
    const { membership, scope } = await requireMembership(
      await cookieOf(signInId),
      tenantId,
      newIp(),
    )
    expect(membership).toMatchObject({ role: "owner", tenantName: "Rita's" })
    const bot = await withTenant(scope, (tx) => tx.bot.findFirst({ where: { id: botId } }))
    expect(bot).toMatchObject({ isPublished: false, isNamed: false })
    const { data } = await listAuditEvents(scope)
    expect(data.map((event) => event.action).sort()).toEqual(["bot.created", "tenant.created"])
  })

  test("with an address that has an account leaves no half of a tenant behind", async () => {
    const person = input()
    const { tenantId } = await signUp(person, newIp())
    await expect(signUp(person, newIp())).rejects.toMatchObject({
      code: "conflict",
      issues: [{ path: "email" }],
    })
    const { signInId } = (await signIn(person, newIp()))!
    const { memberships } = await requireMembership(await cookieOf(signInId), tenantId, newIp())
    expect(memberships).toHaveLength(1)
  })

  test("ten times at once with one address makes one account", async () => {
    const person = input()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => signUp(person, newIp())),
    )
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1)
  })

  test("is limited by address", async () => {
    const ip = newIp()
    const person = input()
    await signUp(person, ip)
    for (let i = 0; i < 9; i++) await signUp(person, ip).catch(() => {})
    await expect(signUp(input(), ip)).rejects.toMatchObject({ code: "rate_limited" })
  })

  test.each([
    ["a short password", { password: "short" }],
    ["an endless password", { password: "x".repeat(201) }],
    ["no address", { email: "x" }],
    ["no name", { name: "  " }],
    ["a role", { role: "owner" }],
    ["a tenant", { tenantId: "ten_b" }],
  ])("with %s is refused", (_, change) => {
    const whole = { name: "Rita's", email: newEmail(), password: newSecret(8) }
    expect(signUpInput.safeParse({ ...whole, ...change }).success).toBe(false)
  })
})

describe("an API key", () => {
  let tenant: MadeTenant
  let secret: string
  beforeAll(async () => {
    tenant = await makeTenant()
    secret = (await createApiKey(tenant.scope, { name: "server" })).secret
  })

  const use = (key: string, more: Record<string, string> = {}) =>
    authenticateApiKey(new Headers({ authorization: `Bearer ${key}`, ...more }), newIp())
  const refused = { code: "unauthorized", status: 401 }

  test("opens its own tenant, as a bearer or as X-Api-Key", async () => {
    expect((await use(secret)).scope.tenantId).toBe(tenant.tenantId)
    const header = new Headers({ "x-api-key": secret })
    expect((await authenticateApiKey(header, newIp())).scope.tenantId).toBe(tenant.tenantId)
  })

  test("is stored as a hash alone", async () => {
    const rows = await withTenant(tenant.scope, (tx) => tx.apiKey.findMany())
    expect(JSON.stringify(rows)).not.toContain(secret)
    expect(rows[0]).toMatchObject({ hash: hashSecret(secret), lastFour: secret.slice(-4) })
    const { data } = await listAuditEvents(tenant.scope)
    expect(JSON.stringify(data)).not.toContain(secret)
    expect(JSON.stringify(data)).not.toContain(hashSecret(secret))
  })

  test("wrong in any way is refused", async () => {
    const last = secret.at(-1) === "0" ? "1" : "0"
    for (const wrong of [
      "",
      "x",
      secret.slice(0, -1),
      secret.slice(0, -1) + last,
      secret.toUpperCase(),
    ])
      await expect(use(wrong)).rejects.toMatchObject(refused)
    for (const text of [`Basic ${secret}`, secret, `Bearer  ${secret}`, `Bearer ${secret} x`])
      await expect(
        authenticateApiKey(new Headers({ authorization: text }), newIp()),
      ).rejects.toMatchObject(refused)
  })

  test("that arrives from a browser is refused, and the owner finds where it leaked", async () => {
    const own = await makeTenant()
    const leaked = (await createApiKey(own.scope, { name: "leaked" })).secret
    for (const headers of [
      { origin: "https://shop.example.com" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "none", origin: "null" },
    ])
      await expect(use(leaked, headers as Record<string, string>)).rejects.toMatchObject(refused)
    const { data } = await listAuditEvents(own.scope)
    const found = data.filter((event) => event.action === "apiKey.usedInBrowser")
    expect(found).toHaveLength(3)
    expect(found.at(-1)!.after).toEqual({ website: "https://shop.example.com" })
    await use(leaked)
  })

  test("deleted, rotated, expired or of a suspended tenant is refused on its next request", async () => {
    const own = await makeTenant()
    const make = async () => createApiKey(own.scope, { name: "key" })
    const deleted = await make()
    await deleteApiKey(own.scope, deleted.id)
    await expect(use(deleted.secret)).rejects.toMatchObject(refused)
    const rotated = await make()
    const fresh = await rotateApiKey(own.scope, rotated.id, { overlapSeconds: 0 })
    await expect(use(rotated.secret)).rejects.toMatchObject(refused)
    const newest = await rotateApiKey(own.scope, rotated.id, { overlapSeconds: 60 })
    await use(fresh.secret)
    await use(newest.secret)
    const expiresAt = new Date(Date.now() - 1_000).toISOString()
    const expired = await createApiKey(own.scope, { name: "expired", expiresAt })
    await expect(use(expired.secret)).rejects.toMatchObject(refused)
    await updateTenant(own.tenantId, { status: "suspended" }, newIp())
    await expect(use(newest.secret)).rejects.toMatchObject(refused)
  })

  test("opens what its scopes say and no more, and makes no key that opens more", async () => {
    const { secret: narrow } = await createApiKey(tenant.scope, {
      name: "narrow",
      scopes: ["api-keys", "usage"],
    })
    const { scope } = await use(narrow)
    expect([...scope.permissions].sort()).toEqual(["apiKeys.read", "apiKeys.write", "usage.read"])
    const wide = createApiKey(scope, { name: "wide", scopes: ["bots"] })
    await expect(wide).rejects.toMatchObject({ code: "forbidden" })
    await expect(createApiKey(scope, { name: "all" })).rejects.toMatchObject({ code: "forbidden" })
    await createApiKey(scope, { name: "same", scopes: ["usage"] })
  })

  test("is made, seen and taken away by owners and admins alone", async () => {
    for (const role of ["member", "viewer"] as const) {
      const make = createApiKey(scopeAs(tenant, role), { name: "x", scopes: ["usage"] })
      await expect(make).rejects.toMatchObject({ code: "forbidden" })
      await expect(deleteApiKey(scopeAs(tenant, role), "key_x")).rejects.toMatchObject({
        code: "forbidden",
      })
    }
  })
})

describe("the master key", () => {
  const prove = (key: string | null, ip = newIp()) =>
    authenticateOperator(new Headers(key === null ? {} : { "x-master-key": key }), ip)

  test("opens with exactly itself", async () => {
    await prove(masterKey)
    for (const wrong of [
      null,
      "",
      "x",
      masterKey.slice(1),
      `${masterKey}m`,
      masterKey.toUpperCase(),
    ])
      await expect(prove(wrong)).rejects.toMatchObject({ code: "unauthorized" })
  })

  test("is guessed ten times a minute from one address; the right one still enters", async () => {
    const ip = newIp()
    for (let i = 0; i < 10; i++)
      await expect(prove("guess", ip)).rejects.toMatchObject({ code: "unauthorized" })
    await expect(prove("guess", ip)).rejects.toMatchObject({ code: "rate_limited" })
    await prove(masterKey, ip)
  })

  test("X34 unset is closed: 503, whatever is sent", async () => {
    vi.resetModules()
    vi.stubEnv("MASTER_API_KEY", "")
    const keys = await import("./keys.ts")
    for (const key of ["", "undefined", masterKey])
      await expect(
        keys.authenticateOperator(new Headers({ "x-master-key": key }), newIp()),
      ).rejects.toMatchObject({ code: "not_configured", status: 503 })
    vi.unstubAllEnvs()
  })
})
