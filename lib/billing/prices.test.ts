import { expect, test } from "vitest"
import { costOf, parseTokenPrice, toMinor } from "./prices.ts"

test("a price is read in every spelling an operator would try", () => {
  const price = { input: 15_000n, cached: 15_000n, output: 60_000n }
  for (const text of [
    "15/60",
    "15,60",
    "input=15,output=60",
    '{"input": 15, "output": 60}',
    "INPUT:15 OUTPUT:60",
  ])
    expect(parseTokenPrice(text), text).toEqual(price)
  expect(parseTokenPrice("input=15,cached=7.5,output=60")!.cached).toBe(7_500n)
  expect(parseTokenPrice("0.15/0.6")).toEqual({ input: 150n, cached: 150n, output: 600n })
})

test("what says no price is none", () => {
  for (const text of [undefined, "", "free", "output=60"])
    expect(parseTokenPrice(text), text).toBeNull()
})

test("a cost is exact, and shown in whole minor units rounded up", () => {
  const price = parseTokenPrice("15/60")!
  expect(costOf(price, { input: 1_000_000, output: 1_000_000 })).toBe(75n * 1_000_000_000n)
  expect(toMinor(1n)).toBe(1)
  expect(toMinor(2_000_000_000n)).toBe(2)
})
