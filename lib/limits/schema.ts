import { z } from "zod"

const count = (max: number) => z.number().int().min(0).max(max)

/** What an embed key's limits are called, with the most an owner may set. */
export const keyLimitsInput = z.strictObject({
  messagesPerMinutePerIp: count(100_000),
  messagesPerMinutePerSession: count(100_000),
  messagesPerMinutePerOrigin: count(100_000),
  messagesPerDay: count(1_000_000),
  messagesPerDayPerIpPercent: z.number().int().min(1).max(100),
  ticketsPerMinutePerIp: count(100_000),
  ticketsPerMinute: count(1_000_000),
  streamsPerSession: z.number().int().min(1).max(1),
  messageChars: z.number().int().min(1).max(4_000),
  fileBytes: count(20 * 1024 * 1024),
  monthlySpendMinor: count(100_000_000),
})

export type KeyLimits = z.infer<typeof keyLimitsInput>

export const defaultKeyLimits: KeyLimits = {
  messagesPerMinutePerIp: 20,
  messagesPerMinutePerSession: 20,
  messagesPerMinutePerOrigin: 600,
  messagesPerDay: 1_000,
  messagesPerDayPerIpPercent: 5,
  ticketsPerMinutePerIp: 10,
  ticketsPerMinute: 600,
  streamsPerSession: 1,
  messageChars: 4_000,
  fileBytes: 20 * 1024 * 1024,
  monthlySpendMinor: 2_000,
}

/** Test keys stand in pages under construction: enough to try, too little to run a site on. */
export const testKeyLimits: Partial<KeyLimits> = { messagesPerDay: 200, ticketsPerMinute: 60 }

/** A key's limits in force: what the owner set over the defaults of its mode. */
export function effectiveLimits(mode: "live" | "test", set: Partial<KeyLimits>): KeyLimits {
  return { ...defaultKeyLimits, ...(mode === "test" ? testKeyLimits : {}), ...set }
}
