import { getToken } from "next-auth/jwt"
import { env } from "#lib/env.ts"
import { fail } from "#lib/errors.ts"
import {
  isConfirmed,
  listMemberships,
  type Membership,
  touchSignIn,
} from "#lib/tenancy/directory.ts"
import { scopeFromMember, type TenantScope } from "#lib/tenancy/scope.ts"
import { sessionCookie } from "./options.ts"

/** As long as this after a password was given, its sign-in may make secrets. */
const recentSeconds = 3600

const signInAgain = "Sign in again; nothing you typed is lost."

/** The sign-in that a Cookie header points to, or null. Whether it still stands is the directory's answer. */
export async function readSignInId(cookieHeader: string | null): Promise<string | null> {
  if (!cookieHeader) return null
  const cookies = Object.fromEntries(
    cookieHeader.split(/;\s*/).map((pair) => {
      const at = pair.indexOf("=")
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
  const token = await getToken({
    req: { cookies, headers: {} } as never,
    secret: env.AUTH_SECRET ?? "",
    cookieName: sessionCookie,
  }).catch(() => null)
  return typeof token?.signInId === "string" ? token.signInId : null
}

/**
 * The scope of whoever is signed in here, in this tenant. Anything but a read must come from a page of the
 * console itself: the cookie alone is no consent. Throws `unauthorized`, `forbidden`, `not_found`.
 */
export async function authenticateMember(
  request: Request,
  tenantId: string | undefined,
  ip: string,
): Promise<TenantScope> {
  const { scope } = await requireMembership(request.headers.get("cookie"), tenantId, ip)
  const isOurPage = request.headers.get("origin") === env.APP_URL
  if (request.method !== "GET" && !isOurPage) throw fail("forbidden")
  return scope
}

/** A member's scope in a tenant, with all their tenants. Not a member answers as if it did not exist. */
export async function requireMembership(
  cookieHeader: string | null,
  tenantId: string | undefined,
  ip: string,
): Promise<{
  scope: TenantScope
  signInId: string
  membership: Membership
  memberships: Membership[]
}> {
  const signInId = await readSignInId(cookieHeader)
  const memberships = signInId ? await listMemberships(signInId) : []
  if (!signInId || memberships.length === 0) throw fail("unauthorized", signInAgain)
  const membership = memberships.find((m) => m.tenantId === tenantId)
  if (!membership) throw fail("not_found")
  await touchSignIn(signInId)
  const { user, role } = membership
  const scope = scopeFromMember({
    tenantId: membership.tenantId,
    userId: user.id,
    label: user.email,
    role,
    ip,
  })
  return { scope, signInId, membership, memberships }
}

/** A browser left open is not its owner: throws `password_required` unless the password was given lately. */
export async function requireRecentPassword(signInId: string): Promise<void> {
  if (!(await isConfirmed(signInId, recentSeconds))) throw fail("password_required")
}
