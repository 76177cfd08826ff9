import { record } from "#lib/audit/record.ts"
import { nanosPerMinor } from "#lib/billing/prices.ts"
import { env } from "#lib/env.ts"
import { newId } from "#lib/ids.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { countRefusal } from "#lib/tenancy/directory.ts"
import type { TenantScope, VisitorScope } from "#lib/tenancy/scope.ts"
import { hashAddress, leastShare, utcDay } from "./counters.ts"
import { defaultKeyLimits, type KeyLimits } from "./schema.ts"
import { passesMark, raiseInUnusualHour } from "./unusual-hour.ts"

// Guarantees: no billable call starts unless its worst case fits under every cap that covers it: the key's
// month and day, one address's share of that day, the tenant's month, the deployment's month. Conditional writes in one transaction: sums
// are exact under concurrency and never pass a cap.

/** One day may take at most this share of a key's month: a copied key cannot silence the real site till the 1st. */
const dayShare = 5n
const alertPercents = [50, 80, 100] as const

type Counter = { subject: string; period: string; cap: bigint }

type SpendOptions = {
  at?: Date
  /** A model the tenant pays itself: neither the free allowance nor the deployment's cap has a say. */
  isOwnModel?: boolean
}

/** Money set aside for one call. */
export type Reservation = { id: string; nanos: bigint; month: string; counters: Counter[] }

const utcMonth = (at: Date) => utcDay(at).slice(0, 7)
const isMonth = (period: string) => period.length === "2026-11".length
const minor = (amount: number) => BigInt(amount) * nanosPerMinor

/**
 * What the scope's tenant may spend a month, in minor units: its own cap, and no more than the free allowance
 * when it registered itself. The allowance is the operator's money: it does not bound what a tenant pays itself.
 */
export async function readTenantCap(tx: Tx, isOwnModel = false): Promise<number> {
  const [tenant] = await tx.$queryRaw<{ own: number | null; is_self_registered: boolean }[]>`
    select monthly_spend_minor as own, is_self_registered from limits.read_tenant_cap()`
  if (!tenant) return 0
  const own = tenant.own ?? defaultKeyLimits.monthlySpendMinor
  return tenant.is_self_registered && !isOwnModel ? Math.min(own, env.FREE_ALLOWANCE_MINOR) : own
}

/** A key's cap for one UTC day, in nanos. */
export function keyDayCap(limits: KeyLimits): bigint {
  return minor(limits.monthlySpendMinor) / dayShare
}

/** What one address may take of a key's day, in nanos: its share, and never less than ten calls' worth. */
function addressDayCap(limits: KeyLimits, nanos: bigint): bigint {
  const share = (keyDayCap(limits) * BigInt(limits.messagesPerDayPerIpPercent)) / 100n
  const least = BigInt(leastShare) * nanos
  return share > least ? share : least
}

class CapReached extends Error {
  readonly subject: string
  constructor(subject: string) {
    super(subject)
    this.subject = subject
  }
}

/** Sets `nanos` aside under every cap, or returns null and leaves all sums as they were. */
export async function reserveSpend(
  scope: VisitorScope,
  limits: KeyLimits,
  nanos: bigint,
  { at = new Date(), isOwnModel = false }: SpendOptions = {},
): Promise<Reservation | null> {
  const { keyId, botId, origin } = scope.visitor
  const address = `address:${keyId}:${hashAddress(keyId, scope.actor.ip)}`
  const reservation = await reserve(scope, botId, nanos, { at, isOwnModel }, [
    { subject: `key:${keyId}`, period: utcMonth(at), cap: minor(limits.monthlySpendMinor) },
    { subject: `key:${keyId}`, period: utcDay(at), cap: keyDayCap(limits) },
    { subject: address, period: utcDay(at), cap: addressDayCap(limits, nanos) },
  ])
  if ("id" in reservation) return reservation
  const isShare = reservation.reached === address
  await countRefusal(keyId, isShare ? "spend_share" : "spend_cap", origin)
  return null
}

/** The same for a member who tries their own bot: no key pays, the tenant's and the deployment's caps hold. */
export async function reserveMemberSpend(
  scope: TenantScope,
  botId: string | null,
  nanos: bigint,
  { at = new Date(), isOwnModel = false }: SpendOptions = {},
): Promise<Reservation | null> {
  const reservation = await reserve(scope, botId, nanos, { at, isOwnModel }, [])
  return "id" in reservation ? reservation : null
}

async function reserve(
  scope: TenantScope,
  botId: string | null,
  nanos: bigint,
  { at, isOwnModel }: Required<SpendOptions>,
  keyCounters: Counter[],
): Promise<Reservation | { reached: string }> {
  const month = utcMonth(at)
  // The deployment's money is not touched by a tenant's own model: no month of it has this name.
  const sharedMonth = isOwnModel ? "" : month
  try {
    return await withTenant(scope, async (tx) => {
      const tenantCap = minor(await readTenantCap(tx, isOwnModel))
      const counters: Counter[] = [
        { subject: "tenant", period: month, cap: tenantCap },
        ...keyCounters,
        // What a bot costs; the tenant's cap stands above it already.
        ...(botId ? [{ subject: `bot:${botId}`, period: month, cap: tenantCap }] : []),
      ]
      await reserveCounters(tx, scope, counters, nanos)
      const id = newId("usage")
      await tx.spendReservation.create({
        data: {
          id,
          tenantId: scope.tenantId,
          month: sharedMonth,
          nanos,
          subjects: counters.map(({ subject, period }) => ({ subject, period })),
        },
      })
      if (isOwnModel) return { id, nanos, month: sharedMonth, counters }
      // Last, so that tenants queue on the one shared row for as short as can be.
      const cap = minor(env.DEPLOYMENT_MONTHLY_CAP_MINOR)
      const [deployment] = await tx.$queryRaw<{ has_room: boolean }[]>`
        select limits.reserve_deployment(${month}, ${nanos}, ${cap}) as has_room`
      if (!deployment?.has_room) throw new CapReached("deployment")
      return { id, nanos, month, counters }
    })
  } catch (error) {
    if (!(error instanceof CapReached)) throw error
    return { reached: error.subject }
  }
}

/** All counters in one statement, in their order: takers queue in one order, and hold the rows but briefly. */
async function reserveCounters(tx: Tx, scope: TenantScope, counters: Counter[], nanos: bigint) {
  const tooSmall = counters.find(({ cap }) => nanos > cap)
  if (tooSmall) throw new CapReached(tooSmall.subject)
  const subjects = counters.map(({ subject }) => subject)
  const periods = counters.map(({ period }) => period)
  const caps = counters.map(({ cap }) => String(cap))
  const taken = await tx.$queryRaw<{ subject: string; period: string }[]>`
    insert into public.spend_counters as c (tenant_id, subject, period, reserved_nanos)
    select ${scope.tenantId}, k.subject, k.period, ${nanos}
    from unnest(${subjects}::text[], ${periods}::text[]) with ordinality as k (subject, period, place)
    order by k.place
    on conflict (tenant_id, subject, period) do update set reserved_nanos = c.reserved_nanos + ${nanos}
    where c.spent_nanos + c.reserved_nanos + ${nanos} <= (
      select k.cap::bigint from unnest(${subjects}::text[], ${periods}::text[], ${caps}::text[])
        as k (subject, period, cap) where k.subject = c.subject and k.period = c.period)
    returning c.subject, c.period`
  const full = counters.find(
    ({ subject, period }) => !taken.some((t) => t.subject === subject && t.period === period),
  )
  if (full) throw new CapReached(full.subject)
}

/**
 * Turns a reservation into what the call really cost, in the caller's transaction; never more than was set
 * aside and never less than nothing. A reservation that the sweep has given back meanwhile is counted as spent all the same.
 */
export async function settleSpend(
  tx: Tx,
  scope: TenantScope,
  reservation: Reservation,
  cost: bigint,
): Promise<bigint> {
  const most = cost < reservation.nanos ? cost : reservation.nanos
  const spent = most > 0n ? most : 0n
  const { count } = await tx.spendReservation.deleteMany({ where: { id: reservation.id } })
  const reserved = count === 1 ? reservation.nanos : 0n
  for (const { subject, period, cap } of reservation.counters) {
    const [sum] = await tx.$queryRaw<{ spent: bigint }[]>`
      update public.spend_counters c
      set reserved_nanos = greatest(0, c.reserved_nanos - ${reserved}), spent_nanos = c.spent_nanos + ${spent}
      where c.tenant_id = ${scope.tenantId} and c.subject = ${subject} and c.period = ${period}
      returning c.spent_nanos as spent`
    if (!sum) continue
    const before = sum.spent - spent
    if (subject === "tenant" || subject.startsWith("key:"))
      await alert(tx, scope, { subject, period, cap }, before, sum.spent)
    const isDayOfKey = subject.startsWith("key:") && !isMonth(period)
    if (scope.visitor && isDayOfKey && passesMark(before, sum.spent, cap))
      await raiseInUnusualHour(tx, scope as VisitorScope, "money")
  }
  await tx.$executeRaw`select limits.settle_deployment(${reservation.month}, ${reserved}, ${spent})`
  return spent
}

/** Tells the owner once when a month passes half, four fifths and all of a cap. */
async function alert(
  tx: Tx,
  scope: TenantScope,
  { subject, period, cap }: Counter,
  before: bigint,
  after: bigint,
) {
  if (cap === 0n || !isMonth(period)) return
  const percent = (sum: bigint) => (sum * 100n) / cap
  for (const mark of alertPercents) {
    if (percent(before) >= BigInt(mark) || percent(after) < BigInt(mark)) continue
    await record(tx, scope, {
      action: `spend.reached${mark}`,
      target: subject === "tenant" ? scope.tenantId : subject.slice("key:".length),
      after: { month: period, percent: mark },
    })
  }
}
