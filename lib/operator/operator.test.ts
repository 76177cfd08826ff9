import { afterAll, describe, expect, test } from "vitest"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { authenticateApiKey } from "#lib/auth/keys.ts"
import { createBot, updateBot } from "#lib/bots/commands.ts"
import { newId } from "#lib/ids.ts"
import { newSecret } from "#lib/secrets.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { scopeForOperator } from "#lib/tenancy/scope.ts"
import { makeTenant } from "#prisma/factories.ts"
import {
  createTenant,
  createTenantApiKey,
  createTenantOnce,
  deleteTenant,
  listTenants,
  updateTenant,
} from "./commands.ts"
import { createTenantInput, updateTenantInput } from "./schema.ts"

afterAll(disconnect)

const ip = "192.0.2.1"
const use = (secret: string) =>
  authenticateApiKey(new Headers({ "x-api-key": secret }), `test-${newSecret(4)}`)
const missing = { code: "not_found", status: 404 }

describe("a tenant the operator makes", () => {
  test("has one key, shown once, that opens it and nothing else", async () => {
    const made = await createTenant({ name: "Acme" }, ip)
    expect(Object.keys(made).sort()).toEqual(["api_key", "created_at", "name", "tenant_id"])
    const { scope } = await use(made.api_key)
    expect(scope.tenantId).toBe(made.tenant_id)
    await createBot(scope, { name: "Rita" })
    const listed = await listTenants({ limit: 200 })
    expect(JSON.stringify(listed)).not.toContain(made.api_key)
  })

  test("under one key is made once, however often and however many at once ask", async () => {
    const key = newSecret(8)
    const made = await Promise.all(
      Array.from({ length: 5 }, () => createTenantOnce({ name: "Acme" }, ip, key)),
    )
    expect(new Set(made.map(({ tenant_id }) => tenant_id)).size).toBe(1)
    const secrets = made.flatMap(({ api_key }) => (api_key ? [api_key] : []))
    expect(secrets).toHaveLength(1)
    expect((await use(secrets[0]!)).scope.tenantId).toBe(made[0]!.tenant_id)
    const other = await createTenantOnce({ name: "Acme" }, ip, `${key} `)
    expect(other.tenant_id).not.toBe(made[0]!.tenant_id)
  })

  test("finds the operator's acts in its own log", async () => {
    const made = await createTenant({ name: "Acme" }, ip)
    await updateTenant(made.tenant_id, { status: "suspended" }, ip)
    await updateTenant(made.tenant_id, { status: "active" }, ip)
    const { scope } = await use(made.api_key)
    const { data } = await listAuditEvents(scope)
    expect(data.map((event) => [event.action, event.actor.kind, event.ip])).toEqual([
      ["tenant.activated", "operator", ip],
      ["tenant.suspended", "operator", ip],
      ["apiKey.created", "operator", ip],
      ["tenant.created", "operator", ip],
    ])
  })

  test("suspended, has no working key; active again, the same key works", async () => {
    const made = await createTenant({ name: "Acme" }, ip)
    await updateTenant(made.tenant_id, { status: "suspended" }, ip)
    await expect(use(made.api_key)).rejects.toMatchObject({ status: 401 })
    await updateTenant(made.tenant_id, { status: "active" }, ip)
    await use(made.api_key)
  })

  test("gets a further key, which is its own", async () => {
    const made = await createTenant({ name: "Acme" }, ip)
    const key = await createTenantApiKey(made.tenant_id, { name: "Second" }, ip)
    expect((await use(key.secret)).scope.tenantId).toBe(made.tenant_id)
  })
})

test("a tenant that is not there is 404, in every act", async () => {
  const nobody = newId("tenant")
  for (const attempt of [
    () => updateTenant(nobody, { status: "suspended" }, ip),
    () => deleteTenant(nobody, ip),
    () => createTenantApiKey(nobody, { name: "x" }, ip),
  ])
    await expect(attempt()).rejects.toMatchObject(missing)
})

test("the list pages through every tenant once", async () => {
  const made = []
  for (let i = 0; i < 3; i++) made.push((await createTenant({ name: `Acme ${i}` }, ip)).tenant_id)
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await listTenants({ limit: 50, cursor })
    seen.push(...page.tenants.map((tenant) => tenant.tenant_id))
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  expect(new Set(seen).size).toBe(seen.length)
  for (const id of made) expect(seen).toContain(id)
})

test("the master key opens no tenant's content", async () => {
  const tenant = await makeTenant()
  const operator = scopeForOperator(tenant.tenantId, ip)
  for (const attempt of [
    () => createBot(operator, { name: "x" }),
    () => updateBot(operator, tenant.botId, { name: "x" }),
    () => listAuditEvents(operator),
  ])
    await expect(attempt()).rejects.toMatchObject({ code: "forbidden" })
})

test("an input that names more than it may is refused", () => {
  for (const input of [
    {},
    { name: " " },
    { name: "x", ownerEmail: "x" },
    { name: "x", plan: "gold" },
  ])
    expect(createTenantInput.safeParse(input).success).toBe(false)
  for (const input of [{}, { status: "gone" }, { status: "active", epoch: 0 }])
    expect(updateTenantInput.safeParse(input).success).toBe(false)
})
