import { expect, test } from "vitest"
import { pathHeader, readReturnPath } from "./return-path.ts"

test.each([
  [
    "/console/ten_1/bots/bot_1/inbox?filter=unanswered&_rsc=1x",
    "/console/ten_1/bots/bot_1/inbox?filter=unanswered",
  ],
  ["/console/ten_1", "/console/ten_1"],
  ["/console/ten_12/bots", "/console/ten_1"],
  ["/console/ten_1/../ten_2", "/console/ten_1"],
  ["//evil.example/console/ten_1", "/console/ten_1"],
  ["https://evil.example/", "/console/ten_1"],
])("%s leads back to %s", (asked, expected) => {
  expect(readReturnPath(new Headers({ [pathHeader]: asked }), "ten_1")).toBe(expected)
})

test("a request that did not come through our own server leads back to the first page", () => {
  expect(readReturnPath(new Headers(), "ten_1")).toBe("/console/ten_1")
})
