import { APICallError } from "ai"
import { beforeEach, expect, test } from "vitest"
import { mayCallModel, noteModelCall } from "./breaker.ts"

const now = 1_000_000
const failure = (headers: Record<string, string> = {}, statusCode = 429) =>
  new APICallError({
    message: "too many requests",
    url: "http://model.invalid",
    requestBodyValues: {},
    statusCode,
    responseHeaders: headers,
  })

beforeEach(() => noteModelCall(null))

test("a few failures in a row stop the calls, and after a pause one at a time tries again", () => {
  for (const _ of [1, 2]) noteModelCall(failure(), now)
  expect(mayCallModel(now)).toBe(true)
  noteModelCall(failure(), now)
  for (const later of [0, 1_000, 9_999]) expect(mayCallModel(now + later)).toBe(false)
  const tried = Array.from({ length: 50 }, () => mayCallModel(now + 20_001))
  expect(tried.filter(Boolean)).toHaveLength(1)
  noteModelCall(failure(), now + 20_100)
  expect(mayCallModel(now + 20_200)).toBe(false)
  noteModelCall(null, now + 50_000)
  expect([1, 2, 3].every(() => mayCallModel(now + 50_000))).toBe(true)
})

test("one answer between failures keeps the calls going", () => {
  for (let i = 0; i < 20; i++) {
    noteModelCall(failure(), now)
    noteModelCall(failure(), now)
    noteModelCall(null, now)
  }
  expect(mayCallModel(now)).toBe(true)
})

test.each([400, 404, 413, 422])(
  "a request that the provider minds (%i) stops nobody else's calls",
  (status) => {
    for (let i = 0; i < 20; i++) noteModelCall(failure({ "retry-after": "60" }, status), now)
    expect(mayCallModel(now)).toBe(true)
  },
)

test.each<[string, unknown]>([
  ["a line that broke", new TypeError("fetch failed")],
  ["a time-out", new DOMException("too slow", "TimeoutError")],
  ...[401, 403, 408, 429, 500, 503].map((status): [string, unknown] => [
    `${status}`,
    failure({}, status),
  ]),
])("a provider that is away stops the calls: %s", (_, error) => {
  for (let i = 0; i < 3; i++) noteModelCall(error, now)
  expect(mayCallModel(now)).toBe(false)
})

test("a provider that says when to come back is left alone until then, within bounds", () => {
  noteModelCall(failure({ "retry-after": "30" }), now)
  expect(mayCallModel(now + 29_000)).toBe(false)
  expect(mayCallModel(now + 31_000)).toBe(true)
  noteModelCall(null)
  noteModelCall(failure({ "retry-after": "86400" }), now)
  expect(mayCallModel(now + 59_000)).toBe(false)
  expect(mayCallModel(now + 61_000)).toBe(true)
  noteModelCall(null)
  for (const nonsense of ["soon", "-5", ""])
    noteModelCall(failure({ "retry-after": nonsense }), now)
  expect(mayCallModel(now + 20_001)).toBe(true)
})

test("processes that failed together come back apart", () => {
  const pauses = Array.from({ length: 30 }, () => {
    noteModelCall(null)
    for (const _ of [1, 2, 3]) noteModelCall(failure(), now)
    let ms = 0
    while (!mayCallModel(now + ms)) ms += 100
    return ms
  })
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(10_000)
  expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(1_000)
})

test("one tenant's failing model is nobody else's: neither the deployment's nor another tenant's", () => {
  const now = 0
  for (const _ of [1, 2, 3]) noteModelCall(failure(), now, "ten_a")
  expect(mayCallModel(now, "ten_a")).toBe(false)
  expect([mayCallModel(now), mayCallModel(now, "ten_b")]).toEqual([true, true])
  noteModelCall(null, now, "ten_a")
})
