import fc from "fast-check"
import { expect, it } from "vitest"
import { niceMax } from "./axis.ts"

it.each([
  [0, 2],
  [2, 2],
  [3, 4],
  [9, 10],
  [20, 20],
  [21, 40],
  [101, 200],
])("ends an axis for %d at %d", (value, max) => {
  expect(niceMax(value)).toBe(max)
})

it("never cuts a bar off, and its half is a whole number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), (value) => {
      const max = niceMax(value)
      expect(max).toBeGreaterThanOrEqual(value)
      expect(Number.isInteger(max / 2)).toBe(true)
    }),
  )
})
