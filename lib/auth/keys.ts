import { env } from "#lib/env.ts"
import { fail } from "#lib/errors.ts"
import { apiKeyPattern, permissionsOfScopes, reportLeakedApiKey } from "#lib/keys/api-keys.ts"
import { takeRates } from "#lib/limits/rates.ts"
import { hashSecret, isSameSecret } from "#lib/secrets.ts"
import { findApiKey, touchApiKey } from "#lib/tenancy/directory.ts"
import { scopeFromApiKey, type TenantScope } from "#lib/tenancy/scope.ts"

/**
 * The tenant a secret key opens. A key that arrives from a browser has leaked into a page: it is refused,
 * and the owner finds it in the audit log. Throws `unauthorized`.
 */
export async function authenticateApiKey(
  headers: Headers,
  ip: string,
): Promise<{ scope: TenantScope; defaultBotId: string | null }> {
  const secret = readBearer(headers) ?? headers.get("x-api-key") ?? ""
  if (!apiKeyPattern.test(secret)) throw fail("unauthorized")
  const key = await findApiKey(hashSecret(secret))
  if (!key) throw fail("unauthorized")
  const scope = scopeFromApiKey({
    tenantId: key.tenantId,
    keyId: key.keyId,
    label: key.name,
    scopes: permissionsOfScopes(key.scopes),
    ip,
  })
  // Node's own fetch sends Sec-Fetch-Mode: a browser is told by these two.
  if (headers.has("origin") || headers.has("sec-fetch-site")) {
    await reportLeakedApiKey(secret, { website: headers.get("origin"), ip })
    throw fail("unauthorized")
  }
  await touchApiKey(key.keyId)
  return { scope, defaultBotId: key.defaultBotId }
}

/** Proves the master key. Unset means `not_configured` (503), never open; failures are rate-limited. */
export async function authenticateOperator(headers: Headers, ip: string): Promise<void> {
  if (!env.MASTER_API_KEY) throw fail("not_configured")
  if (isSameSecret(headers.get("x-master-key") ?? "", env.MASTER_API_KEY)) return
  await takeRates([{ rate: "operatorFailure.ip", subject: ip }])
  throw fail("unauthorized")
}

/** The token of `Authorization: Bearer …` (RFC 6750), or null. */
export function readBearer(headers: Headers): string | null {
  return /^Bearer ([\x21-\x7e]+)$/i.exec(headers.get("authorization") ?? "")?.[1] ?? null
}
