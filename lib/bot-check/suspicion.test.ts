import { describe, expect, test } from "vitest"
import { defaultKeyLimits } from "#lib/limits/schema.ts"
import { chooseLevel, findSuspicion, type Signals } from "./suspicion.ts"

const quiet: Signals = { addressTickets: 1, addressRefusals: 0, keyTickets: 1, keyRefusals: 0 }

describe("suspicion", () => {
  test.each<[Partial<Signals>, "address" | "key" | null]>([
    [{}, null],
    [{ addressRefusals: 9.9 }, null],
    [{ addressRefusals: 10 }, "address"],
    [{ addressTickets: 300 }, null],
    [{ addressTickets: 300.5 }, "address"],
    [{ keyRefusals: 99 }, null],
    [{ keyRefusals: 100 }, "key"],
    [{ keyTickets: 18_000 }, null],
    [{ keyTickets: 18_001 }, "key"],
    [{ keyRefusals: 500, addressRefusals: 10 }, "address"],
  ])("%j within an hour: %j", (signals, expected) => {
    expect(findSuspicion({ ...quiet, ...signals }, defaultKeyLimits)).toBe(expected)
  })

  test("is measured by the owner's own limits", () => {
    const limits = { ...defaultKeyLimits, ticketsPerMinutePerIp: 2 }
    expect(findSuspicion({ ...quiet, addressTickets: 61 }, limits)).toBe("address")
  })
})

test.each([
  ["off", null, null],
  ["off", "key", null],
  ["off", "address", null],
  ["suspicious", null, null],
  ["suspicious", "key", "normal"],
  ["suspicious", "address", "high"],
  ["always", null, "normal"],
  ["always", "key", "normal"],
  ["always", "address", "high"],
] as const)("a key that asks %s, suspicion %s: %s", (mode, suspicion, level) => {
  expect(chooseLevel(mode, suspicion)).toBe(level)
})
