import { type MemberPermission, type Permission, permissionsOf, type Role } from "./permissions.ts"

// A scope is the proof of who acts for which tenant. It is made here alone, from a credential that
// was just checked, and every domain function takes it first: an unproven tenant id does not compile.

declare const proven: unique symbol

export type Actor = {
  kind: "member" | "apiKey" | "visitor" | "operator" | "job"
  id: string
  label: string
  ip?: string | undefined
}

export type TenantScope = {
  readonly tenantId: string
  readonly actor: Actor
  readonly permissions: ReadonlySet<Permission>
  /** Set for visitors: the database then admits only this bot's chunks and this visitor's rows. */
  readonly visitor?: VisitorClaims
  readonly [proven]: true
}

export type VisitorClaims = {
  sessionId: string
  botId: string
  visitorId: string
  keyId: string
  origin: string
  kind: "page" | "preview" | "hosted" | "server"
}

export type VisitorScope = TenantScope & { readonly visitor: VisitorClaims }

function make(parts: Omit<TenantScope, typeof proven>): TenantScope {
  return Object.freeze(parts) as TenantScope
}

/** For a signed-in person whose membership the directory has just confirmed. */
export function scopeFromMember(member: {
  tenantId: string
  userId: string
  label: string
  role: Role
  ip?: string | undefined
}): TenantScope {
  return make({
    tenantId: member.tenantId,
    actor: { kind: "member", id: member.userId, label: member.label, ip: member.ip },
    permissions: permissionsOf(member.role),
  })
}

/** For a visitor whose session the live check has just confirmed. */
export function scopeFromSession(
  session: VisitorClaims & { tenantId: string; ip?: string | undefined },
): VisitorScope {
  const { tenantId, ip, ...visitor } = session
  return make({
    tenantId,
    actor: { kind: "visitor", id: visitor.visitorId, label: "Visitor", ip },
    permissions: new Set<Permission>(["chat.send", "chat.read"]),
    visitor,
  }) as VisitorScope
}

/** For the counter itself, while it turns a proven ticket into a session: no visitor exists yet. */
export function scopeFromAdmission(admission: { tenantId: string; keyId: string }): TenantScope {
  return make({
    tenantId: admission.tenantId,
    actor: { kind: "visitor", id: admission.keyId, label: "Admission" },
    permissions: new Set<Permission>(),
  })
}

/** For a tenant's server whose secret key the directory has just confirmed. */
export function scopeFromApiKey(key: {
  tenantId: string
  keyId: string
  label: string
  scopes: readonly MemberPermission[]
  ip?: string | undefined
}): TenantScope {
  return make({
    tenantId: key.tenantId,
    actor: { kind: "apiKey", id: key.keyId, label: key.label, ip: key.ip },
    permissions: new Set<Permission>(key.scopes),
  })
}

/** For the operator acting on one tenant, once the master key is proven. Opens no tenant content. */
export function scopeForOperator(tenantId: string, ip?: string): TenantScope {
  return make({
    tenantId,
    actor: { kind: "operator", id: "operator", label: "Operator", ip },
    permissions: new Set<Permission>(["operator", "apiKeys.write"]),
  })
}

/** For a person signing up: the tenant does not exist before this transaction. */
export function scopeForNewTenant(
  tenantId: string,
  user: { id: string; label: string },
): TenantScope {
  return scopeFromMember({ tenantId, userId: user.id, label: user.label, role: "owner" })
}

/** For background work on a row whose tenant was read from that row. */
export function scopeForJob(tenantId: string, job: string): TenantScope {
  return make({
    tenantId,
    actor: { kind: "job", id: job, label: job },
    permissions: new Set<Permission>(["knowledge.read", "knowledge.write"]),
  })
}
