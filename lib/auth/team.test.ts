import { afterAll, beforeEach, describe, expect, test } from "vitest"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { type Role, roles } from "#lib/tenancy/permissions.ts"
import { scopeFromMember, type TenantScope } from "#lib/tenancy/scope.ts"
import { type MadeTenant, makeTenant } from "#prisma/factories.ts"
import { listMembers } from "./queries.ts"
import { changeRole, removeMember } from "./team.ts"

afterAll(disconnect)

let tenant: MadeTenant
let team: Record<Role, { userId: string; scope: TenantScope }>

/** A person with an account of their own, on this tenant's team as well. */
async function join(role: Role) {
  const person = await makeTenant()
  const { userId, email } = person
  const { tenantId } = tenant
  await withTenant(tenant.scope, (tx) => tx.membership.create({ data: { tenantId, userId, role } }))
  const scope = scopeFromMember({ tenantId, userId, label: email, role, ip: "203.0.113.77" })
  return { userId, scope }
}

beforeEach(async () => {
  tenant = await makeTenant()
  team = {
    owner: { userId: tenant.userId, scope: tenant.scope },
    admin: await join("admin"),
    member: await join("member"),
    viewer: await join("viewer"),
  }
})

const readRoles = async () =>
  Object.fromEntries((await listMembers(tenant.scope)).map((m) => [m.userId, m.role]))

describe.each(roles.map((role) => ({ actor: role })))("A08 a team's $actor", ({ actor }) => {
  const mayWrite = actor === "owner" || actor === "admin"

  test.each(roles.flatMap((target) => roles.map((role) => ({ target, role }))))(
    "making a $target a $role goes as far as their own role and no further",
    async ({ target, role }) => {
      const before = await readRoles()
      const { userId } = team[target]
      const change = changeRole(team[actor].scope, { userId, role })
      const isTooHigh = [target, role].some((r) => roles.indexOf(r) < roles.indexOf(actor))
      if (!mayWrite || isTooHigh) {
        await expect(change).rejects.toMatchObject({ code: "forbidden" })
        expect(await readRoles()).toEqual(before)
      } else if (target === "owner" && role !== "owner") {
        await expect(change).rejects.toMatchObject({ code: "conflict", status: 409 })
        expect(await readRoles()).toEqual(before)
      } else {
        await change
        expect(await readRoles()).toEqual({ ...before, [userId]: role })
      }
    },
  )

  test("removes nobody above them, and never the last owner", async () => {
    for (const target of roles) {
      const before = await readRoles()
      const { userId } = team[target]
      // Themselves last: who is gone can do nothing more.
      if (target === actor) continue
      const removal = removeMember(team[actor].scope, { userId })
      if (!mayWrite || roles.indexOf(target) < roles.indexOf(actor)) {
        await expect(removal).rejects.toMatchObject({ code: "forbidden" })
        expect(await readRoles()).toEqual(before)
      } else {
        await removal
        expect(await readRoles()).not.toHaveProperty(userId)
      }
    }
    const own = removeMember(team[actor].scope, { userId: team[actor].userId })
    if (actor === "owner") await expect(own).rejects.toMatchObject({ code: "conflict" })
    else if (actor === "admin") await own
    else await expect(own).rejects.toMatchObject({ code: "forbidden" })
  })
})

test("A08 two owners who let each other go at once leave one", async () => {
  const second = await join("owner")
  const outcomes = await Promise.allSettled([
    removeMember(team.owner.scope, { userId: second.userId }),
    changeRole(second.scope, { userId: team.owner.userId, role: "viewer" }),
  ])
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
  expect(Object.values(await readRoles()).filter((role) => role === "owner")).toHaveLength(1)
})

test("who was lowered a moment ago acts by the role in force, whatever their request came with", async () => {
  await changeRole(team.owner.scope, { userId: team.admin.userId, role: "viewer" })
  const late = changeRole(team.admin.scope, { userId: team.admin.userId, role: "admin" })
  await expect(late).rejects.toMatchObject({ code: "forbidden" })
  await removeMember(team.owner.scope, { userId: team.admin.userId })
  const later = removeMember(team.admin.scope, { userId: team.viewer.userId })
  await expect(later).rejects.toMatchObject({ code: "forbidden" })
})

test("another tenant's people, and nobody, look alike", async () => {
  const stranger = await makeTenant()
  for (const userId of [stranger.userId, "usr_x"]) {
    const change = changeRole(team.owner.scope, { userId, role: "viewer" })
    await expect(change).rejects.toMatchObject({ code: "not_found" })
    const removal = removeMember(team.owner.scope, { userId })
    await expect(removal).rejects.toMatchObject({ code: "not_found" })
  }
  expect(await listMembers(stranger.scope)).toHaveLength(1)
})

test("each act stands in the audit log with who, whom, what and from where", async () => {
  await changeRole(team.admin.scope, { userId: team.member.userId, role: "viewer" })
  await removeMember(team.admin.scope, { userId: team.member.userId })
  const { data } = await listAuditEvents(tenant.scope, { noun: "member" })
  const email = team.member.scope.actor.label
  const actor = { kind: "member", label: team.admin.scope.actor.label }
  const common = { actor, target: team.member.userId, ip: "203.0.113.77" }
  expect(data).toEqual([
    expect.objectContaining({
      ...common,
      action: "member.removed",
      before: { member: email, role: "viewer" },
    }),
    expect.objectContaining({
      ...common,
      action: "member.roleChanged",
      before: { member: email, role: "member" },
      after: { role: "viewer" },
    }),
  ])
})
