import { call, newAddress, openShop, type Shop } from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import type { World } from "../walls/matrix.ts"
import { callAction, readActions } from "../walls/server-actions.ts"
import { addMembership, signIn, withDatabase } from "../walls/two-tenants.ts"
import { rounds } from "./rounds.ts"

// Who may sign in, act and look: the console's people, the tenant's API keys, the operator's master key.

type Person = { userId: string; email: string; password: string }

/** An account of their own, through the product; which team they join is set as an invitation would. */
async function makePerson(deployment: Deployment): Promise<Person> {
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  const { userId, email, password } = await makeTenant()
  await disconnect()
  return { userId, email, password }
}

/** The console is not served from the widget's origin, which is how the first process is otherwise called. */
const inConsole = ({ appUrl, processUrls }: Deployment) => ({
  processUrls: [appUrl, ...processUrls.slice(1)],
})

async function join(deployment: Deployment, tenantId: string, role: string) {
  const person = await makePerson(deployment)
  await addMembership(deployment, tenantId, person.userId, role)
  return { ...person, cookie: await signIn(deployment, person.email, person.password) }
}

/** Calls a console action the way its own page would. */
async function act(
  deployment: Deployment,
  shop: Shop,
  { cookie, name, args }: { cookie: string; name: string; args: unknown[] },
) {
  const world = { a: { ...shop, conversationId: "" } } as unknown as World
  const action = readActions(world).get(name)
  if (!action) throw new Error(`${name} is not in the build`)
  const { text } = await callAction(deployment, action, cookie, args)
  const [, code] = /"code":"([a-z_]+)"/.exec(text) ?? []
  return text.includes('"ok":true') ? "ok" : (code ?? text.slice(0, 200))
}
const team = "console/[tenant]"

test("A02 many accounts tried once each from one /64 are throttled", async ({ deployment }) => {
  const tries = rounds(45, 1_000)
  test.setTimeout(60_000 + tries * 300)
  const csrf = await fetch(`${deployment.appUrl}/api/auth/csrf`)
  const cookie = csrf.headers.getSetCookie().map((one) => one.split(";")[0]!)
  const { csrfToken } = (await csrf.json()) as { csrfToken: string }
  const network = `2001:db8:${(Date.now() % 0xffff).toString(16)}:7`
  const outcomes: string[] = []
  for (let i = 0; i < tries; i++) {
    const answer = await fetch(`${deployment.appUrl}/api/auth/callback/credentials`, {
      method: "POST",
      redirect: "manual",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-forwarded-for": `${network}:${i.toString(16)}::1`,
        cookie: cookie.join("; "),
      },
      body: new URLSearchParams({
        csrfToken,
        email: `somebody-${i}@example.com`,
        password: "the same guess",
        json: "true",
      }),
    })
    const { url } = (await answer.json()) as { url: string }
    outcomes.push(new URL(url).searchParams.get("error") ?? "in")
  }
  expect(outcomes).not.toContain("in")
  expect(outcomes.slice(0, 30)).not.toContain("rate_limited")
  expect(new Set(outcomes.slice(30))).toEqual(new Set(["rate_limited"]))
})

test("A07 a member who is lowered may less, and one who is removed nothing, on the next request of each process", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const owner = await join(deployment, shop.tenantId, "owner")
  const member = await join(deployment, shop.tenantId, "member")
  const rename = () =>
    act(deployment, shop, {
      cookie: member.cookie,
      name: "console/[tenant]/bots/[bot] updateBot",
      args: [shop.tenantId, { botId: shop.botId, label: "Ask" }],
    })
  const read = (process: number) =>
    call(inConsole(deployment), `/api/console/${shop.tenantId}/bots/${shop.botId}/sources`, {
      headers: { cookie: member.cookie },
      process,
    }).then(({ status }) => status)
  const order = (name: string, input: object) =>
    act(deployment, shop, {
      cookie: owner.cookie,
      name: `${team} ${name}`,
      args: [shop.tenantId, input],
    })

  expect([await rename(), await read(0), await read(1)]).toEqual(["ok", 200, 200])
  expect(await order("changeRole", { userId: member.userId, role: "viewer" })).toBe("ok")
  expect([await rename(), await read(0), await read(1)]).toEqual(["forbidden", 200, 200])
  expect(await order("removeMember", { userId: member.userId })).toBe("ok")
  // They have a business of their own: this one is as if it were not there.
  expect([await rename(), await read(0), await read(1)]).toEqual(["not_found", 404, 404])
  expect(await order("removeMember", { userId: owner.userId })).toBe("conflict")
})

test("A12 there is no setup to take over, no account that comes with it, and twenty sign-ups at once make one owner", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const person = {
    name: "Race",
    email: `race-${Date.now()}@example.com`,
    password: "a long password",
  }
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () =>
      act(deployment, shop, { cookie: "", name: "(auth)/sign-up signUp", args: [person] }),
    ),
  )
  expect(outcomes.filter((outcome) => outcome === "ok")).toHaveLength(1)
  expect(new Set(outcomes)).toEqual(new Set(["ok", "conflict"]))
  const { rows } = await withDatabase(deployment, (client) =>
    client.query(
      `select count(*)::int as owners from users u join memberships m on m.user_id = u.id
       where u.email = $1 and m.role = 'owner'`,
      [person.email],
    ),
  )
  expect(rows[0].owners).toBe(1)
  for (const path of [
    "/setup",
    "/install",
    "/first-run",
    "/api/setup",
    "/admin/setup",
    "/v1/setup",
  ])
    for (const method of ["GET", "POST"])
      expect([404, 405], path).toContain(
        (await call(inConsole(deployment), path, { method })).status,
      )
  for (const email of ["admin@example.com", "demo@example.com", "owner@demo.example", "admin"])
    for (const password of ["admin", "password", "demo", "changeme", "coatcheck"])
      await expect(signIn(deployment, email, password)).rejects.toThrow(/Signing in failed/)
})

test("A13 an API key does what its scopes say, from servers, in a header, until it is revoked", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const reader = await shop.api<{ id: string; secret: string }>("/v1/api-keys", {
    body: { name: "Reader", scopes: ["conversations", "usage"] },
  })
  const use = (path: string, options: Parameters<typeof call>[2] = {}) =>
    call(deployment, path, {
      ...options,
      headers: { authorization: `Bearer ${reader.body.secret}`, ...options.headers },
    })
  expect((await use("/v1/usage")).status).toBe(200)
  for (const [method, path, body] of [
    ["POST", "/v1/bots", { name: "Planted" }],
    ["PATCH", `/v1/bots/${shop.botId}`, { name: "Stolen" }],
    ["DELETE", `/v1/bots/${shop.botId}`, undefined],
    ["POST", `/v1/bots/${shop.botId}/sources`, { title: "P", text: "Planted" }],
    ["POST", "/v1/api-keys", { name: "More", scopes: ["bots"] }],
  ] as const)
    expect((await use(path, { method, body })).status, `${method} ${path}`).toBe(403)

  for (const [name, value] of [
    ["origin", "https://shop.example.com"],
    ["sec-fetch-site", "cross-site"],
  ] as const)
    expect((await use("/v1/usage", { headers: { [name]: value } })).status).toBe(401)
  const { body: log } = await shop.api<{ data: { action: string; ip: string }[] }>(
    "/v1/audit-events",
  )
  expect(log.data.filter(({ action }) => action === "apiKey.usedInBrowser")).toHaveLength(2)

  for (const name of ["key", "api_key", "apiKey", "access_token", "token", "authorization"])
    expect((await call(deployment, `/v1/usage?${name}=${reader.body.secret}`)).status).toBe(401)

  await shop.api(`/v1/api-keys/${reader.body.id}`, { method: "DELETE" })
  for (const process of [0, 1]) expect((await use("/v1/usage", { process })).status).toBe(401)
})

test("A14 the master key is guessed ten times a minute, opens nothing of a tenant's, and makes a tenant once for each Idempotency-Key", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const guess = (key: string, ip: string) =>
    call(deployment, "/admin/tenants", { headers: { "x-master-key": key }, ip })
  const ip = newAddress()
  const statuses = []
  for (let i = 0; i < 12; i++) statuses.push((await guess(`guess number ${i}`, ip)).status)
  expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
  expect((await guess(deployment.masterKey, newAddress())).status).toBe(200)

  const master = deployment.masterKey
  for (const [name, value] of [
    ["authorization", `Bearer ${master}`],
    ["x-master-key", master],
  ] as const) {
    const options = { headers: { [name]: value } }
    const chat = { ...options, body: { message: "Hello" } }
    expect((await call(deployment, "/api/embed/chat", chat)).status).toBe(401)
    expect((await call(deployment, "/v1/bots", options)).status).toBe(401)
    const console = `/api/console/${shop.tenantId}/bots/${shop.botId}/sources`
    expect((await call(inConsole(deployment), console, options)).status).toBe(401)
  }

  const create = (key: string) =>
    call<{ tenant_id: string; api_key: string | null }>(deployment, "/admin/tenants", {
      headers: { "x-master-key": master, "idempotency-key": key },
      body: { name: "Once" },
    })
  const key = `order-${Date.now()}`
  const answers = await Promise.all(Array.from({ length: 10 }, () => create(key)))
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(9).fill(200), 201])
  expect(new Set(answers.map(({ body }) => body.tenant_id)).size).toBe(1)
  expect(answers.filter(({ body }) => body.api_key !== null)).toHaveLength(1)
  const other = await create(`${key}-2`)
  expect([other.status, other.body.tenant_id === answers[0]!.body.tenant_id]).toEqual([201, false])
})

test("A17 every act on people and keys stands in the audit log, with who, when and from where, for good", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const owner = await join(deployment, shop.tenantId, "owner")
  const member = await join(deployment, shop.tenantId, "member")
  const order = (name: string, args: unknown[]) =>
    act(deployment, shop, { cookie: owner.cookie, name: `${team} ${name}`, args })
  const key = await shop.api<{ id: string; secret: string }>("/v1/api-keys", {
    body: { name: "Leaked" },
  })
  await call(deployment, "/v1/bots", {
    headers: { "x-api-key": key.body.secret, origin: "https://evil.example" },
    ip: newAddress(),
  })
  await shop.api(`/v1/api-keys/${key.body.id}/rotate`, { body: { overlapSeconds: 0 } })
  await shop.api(`/v1/api-keys/${key.body.id}`, { method: "DELETE" })
  expect(
    await order("changeRole", [shop.tenantId, { userId: member.userId, role: "viewer" }]),
  ).toBe("ok")
  expect(await order("removeMember", [shop.tenantId, { userId: member.userId }])).toBe("ok")
  const operator = { "x-master-key": deployment.masterKey }
  for (const status of ["suspended", "active"])
    await call(deployment, `/admin/tenants/${shop.tenantId}`, {
      method: "PATCH",
      headers: operator,
      body: { status },
      ip: newAddress(),
    })
  await signIn(deployment, owner.email, owner.password)
  const { rows } = await withDatabase(deployment, (client) =>
    client.query<{ id: string }>(
      "select id from sign_ins where user_id = $1 order by created_at desc limit 1",
      [owner.userId],
    ),
  )
  expect(await order("endSignIn", [{ signInId: rows[0]!.id }])).toBe("ok")
  const newPassword = "a wholly new password"
  const passwords = { currentPassword: owner.password, newPassword }
  expect(await order("changePassword", [passwords])).toBe("ok")

  type Event = {
    id: string
    action: string
    actor: { label: string }
    ip: string
    createdAt: string
  }
  const { body } = await shop.api<{ data: Event[] }>("/v1/audit-events?limit=200")
  const byAction = new Map(body.data.toReversed().map((event) => [event.action, event]))
  for (const [action, actor] of [
    ["tenant.created", "Operator"],
    ["tenant.suspended", "Operator"],
    ["tenant.activated", "Operator"],
    ["apiKey.created", "First key"],
    ["apiKey.usedInBrowser", "Leaked"],
    ["apiKey.rotated", "First key"],
    ["apiKey.deleted", "First key"],
    ["member.roleChanged", owner.email],
    ["member.removed", owner.email],
    ["member.signedOut", owner.email],
    ["member.passwordChanged", owner.email],
  ] as const) {
    const event = byAction.get(action)
    expect(event?.actor.label, action).toBe(actor)
    expect(event?.ip, action).toBeTruthy()
    expect(Math.abs(Date.parse(event!.createdAt) - Date.now()), action).toBeLessThan(120_000)
  }
  const [event] = body.data
  for (const method of ["PUT", "PATCH", "DELETE", "POST"])
    for (const path of ["/v1/audit-events", `/v1/audit-events/${event!.id}`])
      expect([404, 405]).toContain((await shop.api(path, { method })).status)
  for (const sql of [
    "update audit_events set action = 'nothing.happened'",
    "delete from audit_events",
    "truncate audit_events",
  ])
    await expect(
      withDatabase(deployment, async (client) => {
        await client.query("set role app")
        await client.query(sql)
      }),
    ).rejects.toThrow(/permission denied/)
})
