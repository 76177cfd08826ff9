import { expect, test } from "vitest"
import { formatMoney, readMoney, writeMoney } from "./money.ts"

test("minor units become money in the currency's own digits", () => {
  expect(formatMoney(1_250, "USD")).toBe("$12.50")
  expect(formatMoney(1_250, "JPY")).toBe("¥1,250")
  expect(formatMoney(0, "EUR")).toBe("€0.00")
})

test("what is typed is read exactly, and written back the same", () => {
  for (const [text, minor] of [
    ["0.29", 29],
    ["20", 2_000],
    ["20,5", 2_050],
    [" 1.15 ", 115],
  ] as const)
    expect(readMoney(text, "USD"), text).toBe(minor)
  expect(readMoney(writeMoney(2_050, "USD"), "USD")).toBe(2_050)
  expect(readMoney("500", "JPY")).toBe(500)
})

test("what is no amount is refused rather than guessed", () => {
  for (const text of ["", "-1", "1.234", "1e3", "ten", "1.000,00"])
    expect(readMoney(text, "USD"), text).toBeNull()
})
