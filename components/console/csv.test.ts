import { describe, expect, it } from "vitest"
import { toCsv } from "./csv.ts"

describe("leads as CSV", () => {
  it("quotes what would break a row", () => {
    expect(toCsv([["a,b", 'say "hi"', "two\nlines"]])).toBe('"a,b","say ""hi""","two\nlines"')
  })

  it.each(["=HYPERLINK(1)", "+49 30 1", "-1", "@SUM(A1)", "\t=1"])(
    "never hands a spreadsheet the formula %j",
    (cell) => {
      expect(toCsv([[cell]]).replaceAll('"', "")).toBe(`'${cell}`)
    },
  )

  it("nor one behind a separator that other spreadsheets split at", () => {
    expect(toCsv([["x;=HYPERLINK(1)"]])).toBe("x;'=HYPERLINK(1)")
  })
})
