import { record } from "#lib/audit/record.ts"
import { requireBot } from "#lib/bots/queries.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { hashSecret, newSecret } from "#lib/secrets.ts"
import { readDatabaseTime, type Tx, withTenant } from "#lib/tenancy/database.ts"
import { findApiKey } from "#lib/tenancy/directory.ts"
import { allow, type MemberPermission } from "#lib/tenancy/permissions.ts"
import { scopeFromApiKey, type TenantScope } from "#lib/tenancy/scope.ts"
import { toApiKeyView } from "./queries.ts"
import {
  type ApiKeyScope,
  apiKeyScopes,
  type CreateApiKeyInput,
  type NewApiKeyView,
  type RotateInput,
} from "./schema.ts"

// Guarantees: the secret exists in one answer and nowhere else; the database holds its hash. An API key
// never grants more than its maker holds.

const grants: Record<ApiKeyScope, MemberPermission[]> = {
  bots: ["bots.read", "bots.write", "bots.delete"],
  knowledge: ["knowledge.read", "knowledge.write"],
  "embed-keys": ["keys.read", "keys.write"],
  "api-keys": ["apiKeys.read", "apiKeys.write"],
  conversations: ["conversations.read"],
  leads: ["leads.read"],
  usage: ["usage.read"],
  audit: ["audit.read"],
}

/** The permissions an API key's stored scopes open; unknown scopes open nothing. */
export function permissionsOfScopes(scopes: readonly string[]): MemberPermission[] {
  return scopes.flatMap((scope) => grants[scope as ApiKeyScope] ?? [])
}

/** Creates an API key; the answer is the only place its secret ever stands. */
export async function createApiKey(
  scope: TenantScope,
  input: CreateApiKeyInput,
): Promise<NewApiKeyView> {
  allow(scope, "apiKeys.write")
  const scopes = input.scopes ?? [...apiKeyScopes]
  requireOwnPermissions(scope, scopes)
  return withTenant(scope, (tx) => insertApiKey(tx, scope, { ...input, scopes }))
}

/** The same inside the caller's transaction, for a new tenant's first key. */
export async function insertApiKey(
  tx: Tx,
  scope: TenantScope,
  input: CreateApiKeyInput,
): Promise<NewApiKeyView> {
  const defaultBotId = input.defaultBotId ?? null
  if (defaultBotId) await requireBot(tx, defaultBotId)
  const secret = newApiKeySecret()
  const row = await tx.apiKey.create({
    data: {
      id: newId("key"),
      tenantId: scope.tenantId,
      name: input.name,
      hash: hashSecret(secret),
      lastFour: secret.slice(-4),
      scopes: input.scopes ?? [...apiKeyScopes],
      defaultBotId,
      expiresAt: input.expiresAt ? new Date(input.expiresAt) : null,
    },
  })
  const view = toApiKeyView(row)
  await record(tx, scope, {
    action: "apiKey.created",
    target: row.id,
    after: { name: view.name, scopes: view.scopes },
  })
  return { ...view, secret }
}

/** Gives an API key a new secret, shown in this answer alone; the old one works for the overlap. */
export async function rotateApiKey(
  scope: TenantScope,
  keyId: string,
  { overlapSeconds }: RotateInput,
): Promise<NewApiKeyView> {
  allow(scope, "apiKeys.write")
  return withTenant(scope, async (tx) => {
    await tx.$queryRaw`select id from public.api_keys where id = ${keyId} for update`
    const row = await tx.apiKey.findFirst({ where: { id: keyId } })
    if (!row) throw fail("not_found")
    const view = toApiKeyView(row)
    requireOwnPermissions(scope, view.scopes)
    const secret = newApiKeySecret()
    const hasOverlap = overlapSeconds > 0
    const updated = await tx.apiKey.update({
      where: { id: keyId },
      data: {
        hash: hashSecret(secret),
        lastFour: secret.slice(-4),
        previousHash: hasOverlap ? row.hash : null,
        previousExpiresAt: hasOverlap ? await readDatabaseTime(tx, overlapSeconds) : null,
      },
    })
    await record(tx, scope, { action: "apiKey.rotated", target: keyId, after: { overlapSeconds } })
    return { ...toApiKeyView(updated), secret }
  })
}

/** A key cannot open more than its maker may do; the operator's first key for a tenant opens it all. */
function requireOwnPermissions(scope: TenantScope, scopes: readonly string[]): void {
  if (scope.permissions.has("operator")) return
  if (permissionsOfScopes(scopes).every((permission) => scope.permissions.has(permission))) return
  throw fail("forbidden", "A key cannot open more than you may do yourself.")
}

const newApiKeySecret = () => `sk_${newSecret(24)}`

/**
 * Writes to the owner's audit log that a secret key was seen in a browser: it has leaked into a page. True
 * when the text really is a live key.
 */
export async function reportLeakedApiKey(
  text: unknown,
  seen: { website: string | null; ip: string },
): Promise<boolean> {
  if (typeof text !== "string" || !apiKeyPattern.test(text)) return false
  const key = await findApiKey(hashSecret(text))
  if (!key) return false
  const scope = scopeFromApiKey({ ...key, label: key.name, scopes: [], ip: seen.ip })
  await withTenant(scope, (tx) =>
    record(tx, scope, {
      action: "apiKey.usedInBrowser",
      target: key.keyId,
      after: { website: seen.website },
    }),
  )
  return true
}

/** What an API key looks like. */
export const apiKeyPattern = /^sk_[0-9a-f]{48}$/

/** Deletes an API key: its next request is refused. */
export async function deleteApiKey(scope: TenantScope, keyId: string): Promise<void> {
  allow(scope, "apiKeys.write")
  await withTenant(scope, async (tx) => {
    const { count } = await tx.apiKey.deleteMany({ where: { id: keyId } })
    if (count === 0) throw fail("not_found")
    await record(tx, scope, { action: "apiKey.deleted", target: keyId })
  })
}
