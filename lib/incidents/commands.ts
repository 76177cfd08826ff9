import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { requireEmbedKey } from "#lib/keys/queries.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"

// What an owner does about an abused key, beside switching it off and rotating it (lib/keys/commands).
// Each act is dead certain on the next request: the live check reads these very rows.

/** Ends one session: its pass is refused and an open answer is cut. */
export async function endSession(scope: TenantScope, sessionId: string): Promise<void> {
  allow(scope, "keys.write")
  await withTenant(scope, async (tx) => {
    const { count } = await tx.session.updateMany({
      where: { id: sessionId, endedAt: null },
      data: { endedAt: new Date() },
    })
    if (count === 0) throw fail("not_found")
    await record(tx, scope, { action: "session.ended", target: sessionId })
  })
}

/** Ends every session of a key; honest visitors come back in through the counter by themselves. */
export async function endAllSessions(
  scope: TenantScope,
  keyId: string,
): Promise<{ ended: number }> {
  allow(scope, "keys.write")
  return withTenant(scope, async (tx) => {
    await requireEmbedKey(tx, keyId)
    const { count } = await tx.session.updateMany({
      where: { keyId, endedAt: null },
      data: { endedAt: new Date() },
    })
    await record(tx, scope, {
      action: "embedKey.sessionsEnded",
      target: keyId,
      after: { ended: count },
    })
    return { ended: count }
  })
}

/** Keeps a visitor out for good, or lets them back in. */
export async function setVisitorBlocked(
  scope: TenantScope,
  visitorId: string,
  isBlocked: boolean,
): Promise<void> {
  allow(scope, "keys.write")
  await withTenant(scope, async (tx) => {
    const { count } = await tx.visitor.updateMany({
      where: { id: visitorId },
      data: { blockedAt: isBlocked ? new Date() : null },
    })
    if (count === 0) throw fail("not_found")
    // Ended as well, so that letting the visitor back in does not bring an old pass back.
    if (isBlocked) {
      await tx.session.updateMany({
        where: { visitorId, endedAt: null },
        data: { endedAt: new Date() },
      })
    }
    const action = isBlocked ? "visitor.blocked" : "visitor.unblocked"
    await record(tx, scope, { action, target: visitorId })
  })
}

/** Keeps an address or range out of a key: no tickets, and sessions bought from there are dead. */
export async function blockNetwork(
  scope: TenantScope,
  keyId: string,
  network: string,
): Promise<void> {
  allow(scope, "keys.write")
  await withTenant(scope, async (tx) => {
    await requireEmbedKey(tx, keyId)
    // network() drops host bits, so that 203.0.113.7/24 is the range its owner means.
    await tx.$executeRaw`
      insert into public.blocked_networks (id, tenant_id, key_id, network)
      values (${newId("event")}, ${scope.tenantId}, ${keyId}, network(${network}::inet))
      on conflict do nothing`
    await tx.$executeRaw`
      update public.sessions s set ended_at = now()
      where s.tenant_id = ${scope.tenantId} and s.key_id = ${keyId} and s.ended_at is null
        and s.address is not null and s.address::inet <<= network(${network}::inet)`
    await record(tx, scope, {
      action: "embedKey.networkBlocked",
      target: keyId,
      after: { network },
    })
  })
}

/** Lets an address or range back in; sessions that were cut stay dead. */
export async function unblockNetwork(scope: TenantScope, blockId: string): Promise<void> {
  allow(scope, "keys.write")
  await withTenant(scope, async (tx) => {
    const { count } = await tx.blockedNetwork.deleteMany({ where: { id: blockId } })
    if (count === 0) throw fail("not_found")
    await record(tx, scope, { action: "embedKey.networkUnblocked", target: blockId })
  })
}
