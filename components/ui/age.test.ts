import { expect, it } from "vitest"
import { formatAge } from "./age.ts"

const now = Date.parse("2026-11-20T12:00:00Z")
const before = (seconds: number) => new Date(now - seconds * 1000).toISOString()

it.each([
  [0, "just now"],
  [44, "just now"],
  [50, "1 minute ago"],
  [120, "2 minutes ago"],
  [3600, "1 hour ago"],
  [26 * 3600, "yesterday"],
  [8 * 86_400, "last week"],
  [70 * 86_400, "2 months ago"],
  [800 * 86_400, "2 years ago"],
])("says how long ago %d seconds were: %s", (seconds, words) => {
  expect(formatAge(before(seconds), now)).toBe(words)
})

it("does not turn a clock that runs a little ahead into the future", () => {
  expect(formatAge(before(-30), now)).toBe("just now")
})
