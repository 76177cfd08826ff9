import { withTenant } from "#lib/tenancy/database.ts"
import { listSignIns } from "#lib/tenancy/directory.ts"
import { allow, type Role } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"

export type MemberView = {
  userId: string
  name: string
  email: string
  role: Role
  createdAt: string
}

/** The people of this tenant, in the order they joined. */
export async function listMembers(scope: TenantScope): Promise<MemberView[]> {
  allow(scope, "members.read")
  const rows = await withTenant(
    scope,
    (tx) => tx.$queryRaw<(Omit<MemberView, "createdAt"> & { createdAt: Date })[]>`
      select user_id as "userId", name, email, role, created_at as "createdAt" from directory.list_members()`,
  )
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }))
}

export type SignInView = {
  id: string
  device: string
  createdAt: string
  lastSeenAt: string
  isCurrent: boolean
}

/** Where the person behind this sign-in is signed in, this browser first. */
export async function listOwnSignIns(signInId: string): Promise<SignInView[]> {
  const rows = await listSignIns(signInId)
  return rows
    .map(({ createdAt, lastSeenAt, ...rest }) => ({
      ...rest,
      device: rest.device || "An unknown device",
      createdAt: createdAt.toISOString(),
      lastSeenAt: lastSeenAt.toISOString(),
      isCurrent: rest.id === signInId,
    }))
    .sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent))
}
