import { expect, it } from "vitest"
import { isMatch } from "./match.ts"

it.each([
  ["Lumen help desk Knowledge", "lumen kn"],
  ["Lumen help desk Knowledge", "know lum"],
  ["Kundenservice Österreich", "öst"],
  ["Action New bot", ""],
])("finds %j by %j", (entry, query) => {
  expect(isMatch(entry, query)).toBe(true)
})

it.each([
  ["Lumen help desk Knowledge", "umen"],
  ["Lumen help desk Knowledge", "lumen leads"],
])("does not offer %j for %j", (entry, query) => {
  expect(isMatch(entry, query)).toBe(false)
})
