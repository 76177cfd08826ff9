import { expect, test } from "vitest"
import { catalogue } from "../e2e/attack/catalogue.ts"
import { judgeCases, type Outcome, readCaseIds } from "./attack-cases.ts"

const outcome = (id: string, hasPassed: boolean): Outcome => ({
  cases: [id],
  title: "a guarantee",
  file: "x.test.ts",
  hasPassed,
})

test("only the ids at the front of a title count", () => {
  expect(readCaseIds("K09, K10 no origin, no ticket")).toEqual(["K09", "K10"])
  expect(readCaseIds("the K09 case")).toEqual([])
  expect(readCaseIds("K9 and more")).toEqual([])
})

test("one red test among many makes its case fail, whatever SECURITY.md says", () => {
  const verdicts = judgeCases(
    [outcome("K01", true), outcome("K01", false), outcome("K02", true)],
    new Map([
      ["K01", "a reason"],
      ["K03", "a reason"],
    ]),
  )
  const state = (id: string) => verdicts.find((verdict) => verdict.id === id)?.state
  expect(["K01", "K02", "K03", "K04"].map(state)).toEqual(["failed", "passed", "reason", "open"])
})

test("every case stands in one group and carries that group's letter", () => {
  const ids = Object.entries(catalogue).flatMap(([letter, group]) =>
    Object.keys(group.cases).map((id) => [letter, id] as const),
  )
  expect(ids).toHaveLength(219)
  expect(ids.every(([letter, id]) => id.startsWith(letter))).toBe(true)
})
