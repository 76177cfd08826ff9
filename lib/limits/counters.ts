import type { Tx } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"

/** The UTC day as counters name it: `2026-11-20`. */
export function utcDay(at = new Date()): string {
  return at.toISOString().slice(0, 10)
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
