import { fail } from "#lib/errors.ts"

export const roles = ["owner", "admin", "member", "viewer"] as const
export type Role = (typeof roles)[number]

/** Everything a person or an API key may do, and the roles that may. The only role table. */
const table = {
  "bots.read": ["owner", "admin", "member", "viewer"],
  "bots.write": ["owner", "admin", "member"],
  "bots.delete": ["owner", "admin"],
  "knowledge.read": ["owner", "admin", "member", "viewer"],
  "knowledge.write": ["owner", "admin", "member"],
  "conversations.read": ["owner", "admin", "member", "viewer"],
  "conversations.write": ["owner", "admin", "member"],
  "leads.read": ["owner", "admin", "member", "viewer"],
  "leads.write": ["owner", "admin", "member"],
  "keys.read": ["owner", "admin", "member", "viewer"],
  "keys.write": ["owner", "admin"],
  "apiKeys.read": ["owner", "admin"],
  "apiKeys.write": ["owner", "admin"],
  "members.read": ["owner", "admin", "member", "viewer"],
  "members.write": ["owner", "admin"],
  "usage.read": ["owner", "admin", "member", "viewer"],
  "audit.read": ["owner", "admin"],
  "tenant.write": ["owner", "admin"],
  "tenant.delete": ["owner"],
  "billing.write": ["owner"],
} as const satisfies Record<string, readonly Role[]>

export type MemberPermission = keyof typeof table
/** What a visitor's session opens; no role has these. */
export type VisitorPermission = "chat.send" | "chat.read"
export type Permission = MemberPermission | VisitorPermission | "operator"

export const memberPermissions = Object.keys(table) as MemberPermission[]

export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return new Set(memberPermissions.filter((p) => (table[p] as readonly Role[]).includes(role)))
}

/** Throws `forbidden` unless the scope carries the permission: the first line of every command. */
export function allow(
  scope: { permissions: ReadonlySet<Permission> },
  permission: Permission,
): void {
  if (!scope.permissions.has(permission)) throw fail("forbidden")
}
