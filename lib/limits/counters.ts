import { hashSecret } from "#lib/secrets.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"

/** The UTC day as counters name it: `2026-11-20`. */
export function utcDay(at = new Date()): string {
  return at.toISOString().slice(0, 10)
}

/** The UTC hour as counters name it: `2026-11-20T15`. */
export function utcHour(at = new Date()): string {
  return at.toISOString().slice(0, 13)
}

/** Seconds until the next UTC midnight. */
export function secondsLeftToday(at = new Date()): number {
  return Math.ceil(
    (Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + 1) - at.getTime()) / 1000,
  )
}

/**
 * Takes one from an exact budget in the caller's transaction; false when it is used up. One conditional
 * UPDATE: reading first and writing after lets a burst through.
 */
export async function takeFromCounter(
  tx: Tx,
  scope: TenantScope,
  counter: { name: string; period: string; limit: number },
): Promise<boolean> {
  if (counter.limit < 1) return false
  const rows = await tx.$queryRaw<{ used: number }[]>`
    insert into public.counters as c (tenant_id, name, period, used)
    values (${scope.tenantId}, ${counter.name}, ${counter.period}, 1)
    on conflict (tenant_id, name, period) do update set used = c.used + 1 where c.used < ${counter.limit}
    returning c.used`
  return rows.length === 1
}

/**
 * Takes one of a key's messages of the day and counts it to its hour, in one statement. Returns how many that
 * makes, or null when the day is used up.
 */
export async function takeMessage(
  tx: Tx,
  scope: TenantScope,
  { keyId, limit, at = new Date() }: { keyId: string; limit: number; at?: Date },
): Promise<number | null> {
  if (limit < 1) return null
  const name = messagesOf(keyId)
  const hours = hoursOf(keyId)
  // The day first, always: takers queue in one order.
  const rows = await tx.$queryRaw<{ name: string; used: number }[]>`
    insert into public.counters as c (tenant_id, name, period, used)
    values (${scope.tenantId}, ${name}, ${utcDay(at)}, 1), (${scope.tenantId}, ${hours}, ${utcHour(at)}, 1)
    on conflict (tenant_id, name, period) do update set used = c.used + 1
    where c.used < ${limit} or c.name = ${hours}
    returning c.name, c.used`
  return rows.find((row) => row.name === name)?.used ?? null
}

/** The counters of a key's messages, by day and by hour. */
export const messagesOf = (keyId: string) => `messages:${keyId}`
export const hoursOf = (keyId: string) => `hours:${keyId}`

/** An address as counters name it: a hash is enough to count by; whose it was is nobody's business tomorrow. */
export function hashAddress(keyId: string, ip: string | undefined): string {
  return hashSecret(`${keyId} ${ip ?? ""}`).slice(0, 16)
}

/** However small a share is, one household may ask so much a day: a tight key is no one-question key. */
export const leastShare = 10
