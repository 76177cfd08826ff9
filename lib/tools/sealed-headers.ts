import { type Failure, fail } from "#lib/errors.ts"
import { isAllowedHeader } from "#lib/outbound/headers.ts"
import { decryptSecret, encryptSecret, type SecretPlace } from "#lib/tenancy/encryption.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"

// Headers of a tool or a server: encrypted for their tenant, table, column and row, and for one host.

export const toolSecretPlace = (id: string) => ({ table: "tools", column: "secret", id })
export const serverSecretPlace = (id: string) => ({ table: "mcp_servers", column: "secret", id })

export function refuse(path: string, message: string): Failure {
  return fail("invalid", { detail: message, issues: [{ path, message }] })
}

/** Throws `invalid` for a header that is not a tenant's to set. */
export function checkHeaders(headers: Record<string, string>, more: RegExp | null = null): void {
  for (const [name, value] of Object.entries(headers))
    if (!isAllowedHeader(name, value) || more?.test(name))
      throw refuse("headers", `The header ${name.slice(0, 40)} may not be set.`)
}

export function sealHeaders(
  scope: TenantScope,
  place: SecretPlace,
  headers: Record<string, string>,
): { headerNames: string[]; secret: string | null } {
  const headerNames = Object.keys(headers).sort()
  if (headerNames.length === 0) return { headerNames, secret: null }
  return { headerNames, secret: encryptSecret(scope, place, JSON.stringify(headers)) }
}

export function openHeaders(
  scope: TenantScope,
  place: SecretPlace,
  secret: string | null,
): Record<string, string> {
  return secret ? (JSON.parse(decryptSecret(scope, place, secret)) as Record<string, string>) : {}
}

/** What was trusted to one host is not sent to another: throws `invalid` when the headers would move. */
export function checkMove(from: string, to: string, headerNames: string[]): void {
  if (headerNames.length > 0 && originOf(from) !== originOf(to))
    throw refuse("headers", "Give the headers again: they were for another host.")
}

const originOf = (url: string) => new URL(url).origin
