import { headers } from "next/headers"
import { notFound, redirect } from "next/navigation"
import { cache } from "react"
import { Failure } from "#lib/errors.ts"
import { clientIp } from "#lib/limits/client-ip.ts"
import { listMemberships } from "#lib/tenancy/directory.ts"
import type { Role } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { readSignInId, requireMembership } from "./members.ts"
import { readReturnPath } from "./return-path.ts"

export type TenantOfMember = { id: string; name: string; role: Role }

export type Member = {
  scope: TenantScope
  signInId: string
  user: { id: string; name: string; email: string }
  tenant: { id: string; name: string }
  role: Role
  tenants: TenantOfMember[]
}

/** For pages: the signed-in member of this tenant. Sends strangers to sign in, and everyone else to "not found". */
export const requireMember = cache(async (tenantId: string): Promise<Member> => {
  const incoming = await headers()
  try {
    const { scope, signInId, membership, memberships } = await requireMembership(
      incoming.get("cookie"),
      tenantId,
      clientIp(incoming),
    )
    return {
      scope,
      signInId,
      user: membership.user,
      tenant: { id: membership.tenantId, name: membership.tenantName },
      role: membership.role,
      tenants: memberships.map((m) => ({ id: m.tenantId, name: m.tenantName, role: m.role })),
    }
  } catch (error) {
    if (error instanceof Failure && error.code === "unauthorized") {
      redirect(`/sign-in?next=${encodeURIComponent(readReturnPath(incoming, tenantId))}`)
    }
    if (error instanceof Failure && error.code === "not_found") notFound()
    throw error
  }
})

/** For pages outside a tenant: who is signed in and where, or null. */
export const findUser = cache(
  async (): Promise<{
    id: string
    name: string
    email: string
    tenants: TenantOfMember[]
  } | null> => {
    const signInId = await readSignInId((await headers()).get("cookie"))
    const memberships = signInId ? await listMemberships(signInId) : []
    const first = memberships[0]
    if (!first) return null
    return {
      ...first.user,
      tenants: memberships.map((m) => ({ id: m.tenantId, name: m.tenantName, role: m.role })),
    }
  },
)
