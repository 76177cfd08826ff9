import type { KeyLimits } from "#lib/limits/schema.ts"

const share = (value: number, divisor: number) =>
  value === 0 ? 0 : Math.max(1, Math.floor(value / divisor))

/**
 * A quarter of the speed and half of the day and the money: enough for honest visitors, dull for a thief.
 * Never raises a limit, and never closes one that was open.
 */
export function tightenLimits(limits: KeyLimits): Partial<KeyLimits> {
  return {
    messagesPerMinutePerSession: share(limits.messagesPerMinutePerSession, 4),
    messagesPerMinutePerIp: share(limits.messagesPerMinutePerIp, 4),
    messagesPerMinutePerOrigin: share(limits.messagesPerMinutePerOrigin, 4),
    messagesPerDay: share(limits.messagesPerDay, 2),
    ticketsPerMinutePerIp: share(limits.ticketsPerMinutePerIp, 2),
    ticketsPerMinute: share(limits.ticketsPerMinute, 4),
    monthlySpendMinor: share(limits.monthlySpendMinor, 2),
  }
}
