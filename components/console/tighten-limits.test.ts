import { expect, test } from "vitest"
import { defaultKeyLimits, type KeyLimits } from "#lib/limits/schema.ts"
import { tightenLimits } from "./tighten-limits.ts"

test("tightening quarters the speed and halves the day and the money", () => {
  expect(tightenLimits(defaultKeyLimits)).toMatchObject({
    messagesPerMinutePerSession: 5,
    messagesPerDay: 500,
    ticketsPerMinute: 150,
    monthlySpendMinor: 1_000,
  })
})

test("however often it is clicked, no limit rises and an open one never closes", () => {
  let limits: KeyLimits = { ...defaultKeyLimits, ticketsPerMinutePerIp: 0 }
  for (let round = 0; round < 20; round++) {
    const next = { ...limits, ...tightenLimits(limits) }
    for (const name of Object.keys(next) as (keyof KeyLimits)[]) {
      expect(next[name], name).toBeLessThanOrEqual(limits[name])
      expect(next[name] === 0, name).toBe(limits[name] === 0)
    }
    limits = next
  }
})
