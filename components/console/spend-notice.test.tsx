import { renderToStaticMarkup } from "react-dom/server"
import { describe, expect, test } from "vitest"
import { SpendNotice } from "./spend-notice.tsx"

const show = (spend: object, isOnUsage = false) =>
  renderToStaticMarkup(
    <SpendNotice
      spend={{ spentMinor: 0, capMinor: 2_000, currency: "USD", hasModel: true, ...spend }}
      tenantId="ten_1"
      isOnUsage={isOnUsage}
    />,
  ).replace(/<[^>]+>/g, " ")

describe("a month's spending is announced", () => {
  test.each([
    [1_000, "50 % of this month’s $20.00 is used"],
    [1_599, "79 % of this month’s $20.00 is used"],
    [1_600, "80 % of this month’s $20.00 is used"],
    [1_999, "99 % of this month’s $20.00 is used"],
    [2_000, "This month’s $20.00 is used"],
    [2_001, "This month’s $20.00 is used"],
  ])("at %s of 2000: %s", (spentMinor, words) => {
    const text = show({ spentMinor })
    expect(text).toContain(words)
    expect(text).toContain("quote your sources")
    expect(text).toContain("See usage")
    expect(show({ spentMinor }, true)).not.toContain("See usage")
  })

  test.each([
    ["below half", { spentMinor: 999 }],
    ["where nothing may be spent", { capMinor: 0 }],
    ["where no model costs anything", { spentMinor: 2_000, hasModel: false }],
  ])("never %s", (_, spend) => {
    expect(show(spend)).toBe("")
  })
})
