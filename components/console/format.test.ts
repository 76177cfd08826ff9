import { expect, it } from "vitest"
import { formatBytes, formatCompact, formatDay, formatNumber, formatSite } from "./format.ts"

it("says sizes as people do", () => {
  expect([840, 12_345, 3_400_000].map(formatBytes)).toEqual(["840 B", "12 KB", "3.4 MB"])
})

it("counts one as one", () => {
  expect(formatNumber(1, "source")).toBe("1 source")
  expect(formatNumber(1234, "try", "tries")).toBe("1,234 tries")
})

it("shortens only figures whose last digit says nothing", () => {
  expect(formatCompact(9_999)).toBe("9,999")
  expect(formatCompact(12_345)).toBe("12.3K")
})

it("keeps a day where it is, whatever the reader's zone", () => {
  expect(formatDay("2026-11-01")).toBe("Nov 1")
})

it("hides only the scheme everyone has: plain http stays visible", () => {
  expect(formatSite("https://www.shop.example")).toBe("www.shop.example")
  expect(formatSite("http://localhost:3000")).toBe("http://localhost:3000")
})
