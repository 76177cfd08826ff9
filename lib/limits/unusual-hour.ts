import { record } from "#lib/audit/record.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { hoursOf, utcDay, utcHour } from "./counters.ts"

// A copied key must not silence the real site: when half of a key's day is gone and it went in an hour that is
// nothing like the key's usual ones, its bot check rises until the day is over. Judged at every tenth from the
// half on, so that an attack in the afternoon of a busy day is seen as well, and at no cost in between.

const hourMs = 3_600_000
const historyDays = 28
/** From so many hours with messages on, a key's own past decides. */
const knownHours = 24
/** An hour is unusual when it holds more than this many times what nine in ten of the key's hours do. */
const factor = 3

/** True when this step from `before` to `after` passes half of `cap`, or a further tenth of it. */
export function passesMark(before: bigint, after: bigint, cap: bigint): boolean {
  if (cap <= 0n || after * 2n < cap) return false
  return (after * 10n) / cap > (before * 10n) / cap || (before * 2n < cap && after * 2n >= cap)
}

/** Messages by UTC hour, named as counters do: `2026-11-20T15`. */
export type HourCount = { hour: string; used: number }

/**
 * Whether the hour that runs is far above this key's usual ones. A key without a past is judged by its day:
 * unusual when three quarters of it came within the last six hours.
 */
export function isUnusualHour(counts: HourCount[], at: Date): boolean {
  const of = (hour: string) => counts.find((count) => count.hour === hour)?.used ?? 0
  const ago = (hours: number) => of(utcHour(new Date(at.getTime() - hours * hourMs)))
  const today = counts.filter(({ hour }) => hour.startsWith(utcDay(at)))
  const past = counts.filter(({ hour }) => hour < utcDay(at)).map(({ used }) => used)
  if (past.length >= knownHours) {
    const usual = past.sort((a, b) => a - b)[Math.floor(past.length * 0.9)]!
    const rest = 1 - (at.getTime() % hourMs) / hourMs
    return ago(0) + ago(1) * rest > factor * usual
  }
  const all = today.reduce((sum, { used }) => sum + used, 0)
  const startOfDay = Date.parse(utcDay(at))
  const recent = [0, 1, 2, 3, 4, 5].filter((h) => at.getTime() - h * hourMs >= startOfDay)
  return recent.reduce((sum, hours) => sum + ago(hours), 0) * 4 >= all * 3
}

/**
 * Raises the key's bot check until the UTC day is over if the hour is unusual, and tells the owner once. For
 * callers that have just passed a mark, in their transaction.
 */
export async function raiseInUnusualHour(
  tx: Tx,
  scope: VisitorScope,
  spent: "messages" | "money",
  at = new Date(),
): Promise<void> {
  const { keyId } = scope.visitor
  const since = new Date(at.getTime() - historyDays * 24 * hourMs)
  const rows = await tx.counter.findMany({
    where: { name: hoursOf(keyId), period: { gte: utcHour(since) } },
  })
  const counts = rows.map(({ period, used }) => ({ hour: period, used }))
  if (!isUnusualHour(counts, at)) return
  const until = new Date(Date.parse(utcDay(at)) + 24 * hourMs)
  const [row] = await tx.$queryRaw<{ is_raised: boolean }[]>`
    select limits.raise_bot_check(${keyId}, ${until}) as is_raised`
  if (!row?.is_raised) return
  await record(tx, scope, {
    action: "embedKey.checkRaised",
    target: keyId,
    after: { spent, until: until.toISOString() },
  })
}
