import { afterAll, beforeAll, expect, test } from "vitest"
import { createBot } from "#lib/bots/commands.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { scopeFromMember } from "#lib/tenancy/scope.ts"
import {
  type MadeTenant,
  makeApiKey,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
  scopeAs,
} from "#prisma/factories.ts"
import { listAuditEvents } from "./queries.ts"
import { record } from "./record.ts"
import { auditEventView } from "./schema.ts"

let tenant: MadeTenant
beforeAll(async () => {
  tenant = await makeTenant()
})
afterAll(disconnect)

test("an event says who, what, when and from where, as the schema says", async () => {
  const scope = scopeFromMember({
    tenantId: tenant.tenantId,
    userId: tenant.userId,
    label: "rita@example.com",
    role: "owner",
    ip: "192.0.2.7",
  })
  const bot = await createBot(scope, { name: "Rita" })
  const [event] = (await listAuditEvents(tenant.scope)).data
  expect(auditEventView.parse(event)).toEqual(event)
  expect(event).toMatchObject({
    action: "bot.created",
    actor: { kind: "member", label: "rita@example.com" },
    target: bot.id,
    after: { name: "Rita" },
    ip: "192.0.2.7",
  })
  expect(Date.now() - Date.parse(event!.createdAt)).toBeLessThan(60_000)
})

test("the act and its event land together or not at all", async () => {
  const before = (await listAuditEvents(tenant.scope)).data.length
  const failing = withTenant(tenant.scope, async (tx) => {
    await record(tx, tenant.scope, { action: "bot.created", target: "bot_x" })
    throw new Error("on purpose")
  })
  await expect(failing).rejects.toThrow("on purpose")
  expect((await listAuditEvents(tenant.scope)).data).toHaveLength(before)
})

test("the log is append-only: no statement of ours changes or deletes a line", async () => {
  const attempts = [
    () =>
      withTenant(tenant.scope, (tx) => tx.auditEvent.updateMany({ data: { action: "nothing" } })),
    () => withTenant(tenant.scope, (tx) => tx.auditEvent.deleteMany()),
    () =>
      withTenant(tenant.scope, (tx) => tx.$executeRaw`update audit_events set action = 'nothing'`),
    () => withTenant(tenant.scope, (tx) => tx.$executeRaw`delete from audit_events`),
    () => withTenant(tenant.scope, (tx) => tx.$executeRaw`truncate audit_events`),
    () => withTenant(tenant.scope, (tx) => tx.usageEntry.deleteMany()),
    () => withTenant(tenant.scope, (tx) => tx.usageEntry.updateMany({ data: { outputTokens: 0 } })),
  ]
  for (const attempt of attempts) await expect(attempt()).rejects.toThrow(/permission denied/)
})

test("no secret stands in the log", async () => {
  const own = await makeTenant()
  const apiKey = await makeApiKey(own.scope)
  const bot = await makeBot(own.scope)
  const key = await makeEmbedKey(own.scope, bot.id)
  const visitor = await makeVisitor(key.key)
  const text = JSON.stringify((await listAuditEvents(own.scope)).data)
  for (const secret of [apiKey, key.key, own.password, visitor.token, visitor.visitorSecret])
    expect(text).not.toContain(secret)
})

test("owners and admins read their own log and no other's; members and visitors none", async () => {
  const other = await makeTenant()
  const events = (await listAuditEvents(scopeAs(tenant, "admin"))).data
  expect(events.length).toBeGreaterThan(0)
  expect(JSON.stringify(events)).not.toContain(other.tenantId)
  for (const role of ["member", "viewer"] as const)
    await expect(listAuditEvents(scopeAs(tenant, role))).rejects.toMatchObject({
      code: "forbidden",
    })
})
