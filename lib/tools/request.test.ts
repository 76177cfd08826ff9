import { describe, expect, test } from "vitest"
import {
  buildRequest,
  findTemplateFault,
  maxArgumentBytes,
  readArguments,
  summarize,
} from "./request.ts"
import { type ToolParameters, toolParameters } from "./schema.ts"

const parameters = (
  properties: ToolParameters["properties"],
  required: string[] = [],
): ToolParameters => toolParameters.parse({ properties, required })

const order = parameters({ order: { type: "string" }, lang: { type: "string" } }, ["order"])

describe("a template", () => {
  test.each([
    "https://api.example.com/orders/{order}",
    "https://api.example.com/orders/{order}/lines?lang=en",
    "https://api.example.com/orders?id={order}",
    "https://api.example.com",
  ])("%s is good", (url) => expect(findTemplateFault(url, order)).toBeNull())

  test.each([
    ["https://{order}/", "a value as host"],
    ["https://{order}.example.com/", "a value in the host"],
    ["https://api.example.com{order}", "a value that ends the host"],
    ["https://api.example.com:{order}/", "a value as port"],
    ["{order}://api.example.com/", "a value as scheme"],
    ["{order}", "a value as everything"],
    ["https://{order}@api.example.com/", "a value as user"],
    ["https:\\\\api.example.com\\{order}", "backslashes"],
    ["https:api.example.com/{order}", "no slashes"],
    ["https://api.example.com/{nothing}", "an unknown value"],
    ["https://api.example.com/{lang}", "a value that may be missing"],
    ["https://api.example.com/{order", "half a brace"],
    ["https://api.example.com/{or der}", "a space in a name"],
    ["https://api.example.com/#{order}", "a fragment"],
    ["not an address", "no address"],
    ["", "nothing"],
  ])("%j is refused: %s", (url) => expect(findTemplateFault(url, order)).not.toBeNull())
})

test("a name that is required twice is required once: a provider would refuse the whole talk", () => {
  const twice = parameters({ order: { type: "string" } }, ["order", "order"])
  expect(twice.required).toEqual(["order"])
})

describe("arguments", () => {
  const all = parameters(
    {
      text: { type: "string", maxLength: 5 },
      size: { type: "string", enum: ["S", "M"] },
      count: { type: "integer", minimum: 1, maximum: 9 },
      price: { type: "number" },
      isGift: { type: "boolean" },
    },
    ["text"],
  )

  test("pass as they were described", () => {
    const good = { text: "abc", size: "M", count: 3, price: 1.5, isGift: false }
    expect(readArguments(all, good)).toEqual(good)
    expect(readArguments(all, { text: "" })).toEqual({ text: "" })
    expect(readArguments(parameters({}), undefined)).toEqual({})
  })

  test.each([
    [{}],
    [{ text: "abcdef" }],
    [{ text: 1 }],
    [{ text: "a", size: "L" }],
    [{ text: "a", count: 1.5 }],
    [{ text: "a", count: 10 }],
    [{ text: "a", count: "3" }],
    [{ text: "a", price: "1" }],
    [{ text: "a", isGift: "no" }],
    [{ text: "a", tenantId: "ten_x" }],
    [{ text: null }],
    [[]],
    ["text"],
    [null],
  ])("%j is refused", (given) => {
    // null stands for no arguments at all, and one is required.
    expect(readArguments(all, given)).toBeNull()
  })

  test("of more bytes than a turn has room for are refused together", () => {
    const names = Array.from({ length: 10 }, (_, i) => `v${i}`)
    const many = parameters(Object.fromEntries(names.map((name) => [name, { type: "string" }])))
    const given = Object.fromEntries(names.map((name) => [name, "x".repeat(450)]))
    expect(JSON.stringify(given).length).toBeGreaterThan(maxArgumentBytes)
    expect(readArguments(many, given)).toBeNull()
  })
})

describe("a request", () => {
  const get = { method: "GET", url: "https://api.example.com/orders/{order}?lang={lang}" }

  test("puts each value where the owner put it, and nowhere else", () => {
    expect(buildRequest(get, { order: "a b", lang: "&x=1#" })).toEqual({
      url: "https://api.example.com/orders/a%20b?lang=%26x%3D1%23",
      body: undefined,
    })
    expect(buildRequest(get, { order: "@evil.example", lang: "de" })!.url).toBe(
      "https://api.example.com/orders/%40evil.example?lang=de",
    )
    expect(buildRequest(get, { order: "%2e%2e", lang: "de" })!.url).toBe(
      "https://api.example.com/orders/%252e%252e?lang=de",
    )
  })

  test("of a GET or DELETE takes the rest as query, others as a JSON body", () => {
    const url = "https://api.example.com/x"
    expect(buildRequest({ method: "DELETE", url }, { a: "1&b=2" })!.url).toBe(`${url}?a=1%26b%3D2`)
    expect(buildRequest({ method: "POST", url }, { a: '"', n: 2 })).toEqual({
      url,
      body: '{"a":"\\"","n":2}',
    })
  })

  test.each([".", "..", "", "a/b", "../x", "a\\b", "/"])(
    "with %j in the path is refused: it would be another address",
    (value) => expect(buildRequest(get, { order: value, lang: "de" })).toBeNull(),
  )

  test("never leaves its origin, whatever the value", () => {
    const values = [
      "//evil.example",
      "\\\\evil.example",
      "@evil",
      ":80",
      "?",
      "#",
      "\r\n",
      "\ud800",
    ]
    for (const value of values) {
      const built = buildRequest(get, { order: value, lang: value })
      if (built) expect(new URL(built.url).origin).toBe("https://api.example.com")
    }
  })
})

test("a summary shows every value, each on its line", () => {
  expect(summarize({ order: "17", isGift: true })).toBe("order: 17\nisGift: true")
})

test("H08 what a visitor approves is all of it: nothing cut off, hidden, turned around or set apart", () => {
  const text = { properties: { note: { type: "string" as const, maxLength: 1_000 } }, required: [] }
  const tail = " and send it to Mallory"
  const long = readArguments(toolParameters.parse(text), { note: `${"x".repeat(900)}${tail}` })!
  expect(summarize(long)).toContain(tail)
  const sly = "a\u202eb\u2066c\u200b\u{E0041}\u0007d\r\norder: 18"
  const shown = readArguments(toolParameters.parse(text), { note: sly })!
  // What is sent is what is shown.
  expect(shown.note).toBe("abcd\norder: 18")
  expect(summarize(shown)).toBe("note: abcd ⏎ order: 18")
  expect(readArguments(toolParameters.parse(text), { note: "می\u200cخواهم" })).toEqual({
    note: "می\u200cخواهم",
  })
})
