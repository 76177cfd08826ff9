import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow, permissionsOf, type Role, roles } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import type { ChangeRoleInput, RemoveMemberInput } from "./schema.ts"

// Guarantees: nobody gives, takes or touches a role above their own, as it is in force at this moment; a tenant
// always has an owner, also when two of them let each other go at once.

/** Gives a member another role, from their next request. Throws `not_found`, `forbidden`, `conflict`. */
export async function changeRole(
  scope: TenantScope,
  { userId, role }: ChangeRoleInput,
): Promise<void> {
  allow(scope, "members.write")
  await withTenant(scope, async (tx) => {
    const before = await requireLowerMember(tx, scope, userId)
    if (isAbove(role, before.own)) throw fail("forbidden")
    if (before.role === role) return
    if (role !== "owner") requireOtherOwner(before)
    await tx.membership.updateMany({ where: { userId }, data: { role } })
    await record(tx, scope, {
      action: "member.roleChanged",
      target: userId,
      before: { member: before.email, role: before.role },
      after: { role },
    })
  })
}

/** Takes a member off the team: what they have open here is dead on its next request (a preview of the chat, which knows no member, in five minutes). Throws as above. */
export async function removeMember(
  scope: TenantScope,
  { userId }: RemoveMemberInput,
): Promise<void> {
  allow(scope, "members.write")
  await withTenant(scope, async (tx) => {
    const before = await requireLowerMember(tx, scope, userId)
    requireOtherOwner(before)
    await tx.membership.deleteMany({ where: { userId } })
    await record(tx, scope, {
      action: "member.removed",
      target: userId,
      before: { member: before.email, role: before.role },
    })
  })
}

const isAbove = (a: Role, b: Role) => roles.indexOf(a) < roles.indexOf(b)

type Before = { email: string; role: Role; own: Role; owners: number }

/** The member as they stand, and how the caller stands to them; holds the team until the transaction ends. */
async function requireLowerMember(tx: Tx, scope: TenantScope, userId: string): Promise<Before> {
  await tx.$queryRaw`select user_id from public.memberships order by user_id for update`
  const team = await tx.$queryRaw<{ user_id: string; email: string; role: Role }[]>`
    select user_id, email, role from directory.list_members()`
  // Read again under the lock: the role the request came with may be gone.
  const own = team.find((member) => member.user_id === scope.actor.id)?.role
  if (scope.actor.kind !== "member" || !own) throw fail("forbidden")
  if (!permissionsOf(own).has("members.write")) throw fail("forbidden")
  const member = team.find((one) => one.user_id === userId)
  if (!member) throw fail("not_found")
  if (isAbove(member.role, own)) throw fail("forbidden")
  const owners = team.filter((one) => one.role === "owner").length
  return { email: member.email, role: member.role, own, owners }
}

function requireOtherOwner({ role, owners }: Before): void {
  if (role !== "owner" || owners > 1) return
  throw fail("conflict", "A business needs an owner. Make somebody else one first.")
}
