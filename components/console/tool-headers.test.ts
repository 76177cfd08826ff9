import { expect, test } from "vitest"
import { readHeaderLines } from "./tool-headers.ts"

test("headers are read as people copy them, one a line", () => {
  expect(readHeaderLines("")).toEqual({})
  expect(readHeaderLines("Authorization: Bearer a:b\r\n\n  X-Shop:7 \n")).toEqual({
    Authorization: "Bearer a:b",
    "X-Shop": "7",
  })
  for (const text of ["Authorization", ": x", "Name:", "two words: x"])
    expect(readHeaderLines(text), text).toBeNull()
})
