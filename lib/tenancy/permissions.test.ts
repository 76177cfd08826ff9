import { describe, expect, test } from "vitest"
import {
  allow,
  memberPermissions,
  type Permission,
  permissionsOf,
  type Role,
  roles,
} from "./permissions.ts"
import {
  scopeForJob,
  scopeForOperator,
  scopeFromAdmission,
  scopeFromApiKey,
  scopeFromMember,
  scopeFromSession,
} from "./scope.ts"

/** The documented table, written out: who may do what. o owner, a admin, m member, v viewer. */
const documented: Record<string, string> = {
  "bots.read": "oamv",
  "bots.write": "oam",
  "bots.delete": "oa",
  "knowledge.read": "oamv",
  "knowledge.write": "oam",
  "conversations.read": "oamv",
  "conversations.write": "oam",
  "leads.read": "oamv",
  "leads.write": "oam",
  "keys.read": "oamv",
  "keys.write": "oa",
  "apiKeys.read": "oa",
  "apiKeys.write": "oa",
  "members.read": "oamv",
  "members.write": "oa",
  "usage.read": "oamv",
  "audit.read": "oa",
  "tenant.write": "oa",
  "tenant.delete": "o",
  "billing.write": "o",
}

test("every permission is in the documented table and nothing else", () => {
  expect(memberPermissions.toSorted()).toEqual(Object.keys(documented).sort())
})

describe.each(roles.map((role) => ({ role })))("$role", ({ role }) => {
  test.each(Object.entries(documented))("%s: %s", (permission, who) => {
    expect(permissionsOf(role).has(permission as Permission)).toBe(who.includes(role[0]!))
  })
})

test("a lower role never may what a higher one may not", () => {
  for (const [at, role] of roles.entries())
    for (const lower of roles.slice(at + 1))
      expect(permissionsOf(lower).isSubsetOf(permissionsOf(role))).toBe(true)
})

test("no role chats as a visitor or acts as the operator", () => {
  for (const role of roles)
    for (const permission of ["chat.send", "chat.read", "operator"] as const)
      expect(permissionsOf(role).has(permission)).toBe(false)
})

const tenantId = "ten_x"
const member = (role: Role) => scopeFromMember({ tenantId, userId: "usr_x", label: "x", role })
const visitor = scopeFromSession({
  tenantId,
  sessionId: "ses_x",
  botId: "bot_x",
  visitorId: "vis_x",
  keyId: "key_x",
  origin: "https://shop.example.com",
  kind: "page",
})

test("each kind of caller holds its own permissions and no others", () => {
  const held = (scope: { permissions: ReadonlySet<string> }) => [...scope.permissions].sort()
  expect(held(visitor)).toEqual(["chat.read", "chat.send"])
  expect(held(scopeFromAdmission({ tenantId, keyId: "key_x" }))).toEqual([])
  expect(held(scopeForJob(tenantId, "ingest"))).toEqual(["knowledge.read", "knowledge.write"])
  const key = { tenantId, keyId: "key_x", label: "x", scopes: ["usage.read"] } as const
  expect(held(scopeFromApiKey(key))).toEqual(["usage.read"])
  const operator = scopeForOperator(tenantId)
  for (const permission of memberPermissions.filter((p) => !p.startsWith("apiKeys.")))
    expect(operator.permissions.has(permission)).toBe(false)
})

test("a scope cannot be changed after it was made, and names a visitor only for visitors", () => {
  const scope = member("viewer")
  expect(() => Object.assign(scope, { tenantId: "ten_y" })).toThrow(TypeError)
  expect(scope.visitor).toBeUndefined()
  expect(visitor.visitor.botId).toBe("bot_x")
})

test("what is not held is forbidden", () => {
  expect(() => allow(member("viewer"), "bots.write")).toThrow(
    expect.objectContaining({ code: "forbidden", status: 403 }),
  )
  expect(() => allow(visitor, "bots.read")).toThrow(expect.objectContaining({ code: "forbidden" }))
  allow(member("owner"), "tenant.delete")
})
