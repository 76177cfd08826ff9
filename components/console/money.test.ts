import { expect, test } from "vitest"
import { formatMoney, readMoney, readPrice, writeMoney, writePrice } from "./money.ts"

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

test.each([
  ["0.15", "USD", "15", "0.15"],
  ["0,075", "USD", "7.5", "0.075"],
  ["3", "USD", "300", "3"],
  ["0", "USD", "0", "0"],
  ["0.00001", "USD", "0.001", "0.00001"],
  ["15.5", "JPY", "15.5", "15.5"],
])(
  "a price of %s %s for a million tokens is %s minor units, and back",
  (text, currency, minor, shown) => {
    expect(readPrice(text, currency)).toBe(minor)
    expect(writePrice(minor, currency)).toBe(shown)
  },
)

test.each(["", "free", "-1", "0.000001", "1e3", "99999999999"])("%j is no price", (text) => {
  expect(readPrice(text, "USD")).toBeNull()
})
