import { describe, expect, test } from "vitest"
import { type HourCount, isUnusualHour, passesMark } from "./unusual-hour.ts"

describe("a mark", () => {
  test("is passed once at half of a day and once at every tenth after it", () => {
    const passed = (cap: number) =>
      Array.from({ length: cap }, (_, i) => i + 1).filter((used) =>
        passesMark(BigInt(used - 1), BigInt(used), BigInt(cap)),
      )
    expect(passed(1_000)).toEqual([500, 600, 700, 800, 900, 1_000])
    expect(passed(15)).toEqual([8, 9, 11, 12, 14, 15])
    expect(passed(1)).toEqual([1])
  })

  test("is passed by a sum that jumps over several of them, and never without a cap", () => {
    expect(passesMark(0n, 90n, 100n)).toBe(true)
    expect(passesMark(90n, 95n, 100n)).toBe(false)
    expect(passesMark(0n, 49n, 100n)).toBe(false)
    expect(passesMark(0n, 5n, 0n)).toBe(false)
  })
})

describe("an hour", () => {
  const at = new Date("2026-11-20T15:00:00Z")
  const hour = (date: string, hours: number, used: number): HourCount => ({
    hour: `${date}T${String(hours).padStart(2, "0")}`,
    used,
  })
  /** Three days with 30 to 39 messages in each of ten hours. */
  const past = ["2026-11-17", "2026-11-18", "2026-11-19"].flatMap((date) =>
    Array.from({ length: 10 }, (_, i) => hour(date, 8 + i, 30 + i)),
  )

  test.each<[HourCount[], boolean]>([
    [[hour("2026-11-20", 15, 117)], false],
    [[hour("2026-11-20", 15, 118)], true],
    // At the full hour the one before it still counts whole.
    [[hour("2026-11-20", 14, 118)], true],
    [[hour("2026-11-20", 13, 500)], false],
  ])("of a key with a past is judged by that past: %j is unusual: %j", (today, expected) => {
    expect(isUnusualHour([...past, ...today], at)).toBe(expected)
  })

  test("of an attack last week does not make this one usual", () => {
    const attacked = [...past.slice(1), hour("2026-11-17", 20, 5_000)]
    expect(isUnusualHour([...attacked, hour("2026-11-20", 15, 200)], at)).toBe(true)
  })

  test.each<[HourCount[], boolean]>([
    [[hour("2026-11-20", 15, 1)], true],
    [[hour("2026-11-20", 10, 3), hour("2026-11-20", 9, 1)], true],
    [[hour("2026-11-20", 10, 2), hour("2026-11-20", 9, 1)], false],
  ])("of a new key is judged by how fast its day went: %j is unusual: %j", (today, expected) => {
    expect(isUnusualHour([...past.slice(0, 20), ...today], at)).toBe(expected)
  })

  test("just after midnight, yesterday's last hours are not today's", () => {
    const early = new Date("2026-11-20T01:30:00Z")
    const counts = [hour("2026-11-19", 23, 9), hour("2026-11-20", 0, 4), hour("2026-11-20", 1, 4)]
    expect(isUnusualHour(counts, early)).toBe(true)
  })
})
