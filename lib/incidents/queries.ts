import { requireEmbedKey } from "#lib/keys/queries.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import type { IncidentHour, IncidentView } from "./schema.ts"

const hourMs = 3_600_000

/** What happened on a key in the last 24 hours: who came, from where, and what was refused. */
export async function getIncident(scope: TenantScope, keyId: string): Promise<IncidentView> {
  allow(scope, "keys.read")
  const since = new Date(Math.floor(Date.now() / hourMs) * hourMs - 23 * hourMs)
  return withTenant(scope, async (tx) => {
    await requireEmbedKey(tx, keyId)
    const sessions = { keyId, createdAt: { gte: since } }
    const websites = await tx.session.groupBy({
      by: ["origin"],
      where: sessions,
      _count: { _all: true },
      orderBy: { _count: { origin: "desc" } },
      take: 10,
    })
    const refusals = await tx.refusal.groupBy({
      by: ["reason"],
      where: { keyId, hour: { gte: since } },
      _sum: { count: true },
    })
    return {
      hours: await readHours(tx, scope, keyId, since),
      websites: websites.map((row) => ({ origin: row.origin, sessions: row._count._all })),
      addresses: await readAddresses(tx, scope, keyId, since),
      refusals: refusals
        .map((row) => ({ reason: row.reason, count: row._sum.count ?? 0 }))
        .sort((a, b) => b.count - a.count),
      sessions: await readSessions(tx, scope, keyId, since),
      blockedNetworks: await readBlockedNetworks(tx, scope, keyId),
    }
  })
}

async function readHours(
  tx: Tx,
  scope: TenantScope,
  keyId: string,
  since: Date,
): Promise<IncidentHour[]> {
  const sessions = await tx.$queryRaw<{ hour: Date; count: number }[]>`
    select date_trunc('hour', s.created_at) as hour, count(*)::int as count from public.sessions s
    where s.tenant_id = ${scope.tenantId} and s.key_id = ${keyId} and s.created_at >= ${since} group by 1`
  const refusals = await tx.$queryRaw<{ hour: Date; count: number }[]>`
    select r.hour, sum(r.count)::int as count from public.refusals r
    where r.tenant_id = ${scope.tenantId} and r.key_id = ${keyId} and r.hour >= ${since} group by 1`
  const countAt = (rows: { hour: Date; count: number }[], at: number) =>
    rows.find((row) => row.hour.getTime() === at)?.count ?? 0
  return Array.from({ length: 24 }, (_, i) => {
    const at = since.getTime() + i * hourMs
    return {
      hour: new Date(at).toISOString(),
      sessions: countAt(sessions, at),
      refusals: countAt(refusals, at),
    }
  })
}

async function readAddresses(tx: Tx, scope: TenantScope, keyId: string, since: Date) {
  return tx.$queryRaw<IncidentView["addresses"]>`
    select s.address, count(*)::int as sessions,
      exists (select from public.blocked_networks n
        where n.tenant_id = ${scope.tenantId} and n.key_id = ${keyId} and n.network >>= s.address::inet) as "isBlocked"
    from public.sessions s
    where s.tenant_id = ${scope.tenantId} and s.key_id = ${keyId} and s.created_at >= ${since} and s.address is not null
    group by s.address order by 2 desc, 1 limit 10`
}

async function readSessions(tx: Tx, scope: TenantScope, keyId: string, since: Date) {
  const rows = await tx.$queryRaw<
    (Omit<IncidentView["sessions"][number], "createdAt"> & { createdAt: Date })[]
  >`
    select s.id, s.visitor_id as "visitorId", s.origin, s.address, s.device, s.created_at as "createdAt",
      s.ended_at is not null or v.blocked_at is not null as "isEnded",
      v.blocked_at is not null as "isBlocked",
      coalesce((select sum(c.message_count) from public.conversations c
        where c.tenant_id = s.tenant_id and c.visitor_id = s.visitor_id), 0)::int as "messageCount"
    from public.sessions s join public.visitors v on v.tenant_id = s.tenant_id and v.id = s.visitor_id
    where s.tenant_id = ${scope.tenantId} and s.key_id = ${keyId} and s.created_at >= ${since}
    order by s.created_at desc limit 50`
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }))
}

async function readBlockedNetworks(tx: Tx, scope: TenantScope, keyId: string) {
  const rows = await tx.$queryRaw<{ id: string; network: string; createdAt: Date }[]>`
    select n.id, n.network::text as network, n.created_at as "createdAt" from public.blocked_networks n
    where n.tenant_id = ${scope.tenantId} and n.key_id = ${keyId} order by n.created_at desc limit 200`
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }))
}
