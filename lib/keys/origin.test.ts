import { describe, expect, test } from "vitest"
import { findOriginRule, frameAncestors, parseOrigin, parseOriginPattern } from "./origin.ts"

const saved = (input: string, mode: "live" | "test" = "live") => {
  const parsed = parseOriginPattern(input, mode)
  return "pattern" in parsed ? parsed.pattern : null
}
const rules = (...patterns: string[]) => patterns.map((pattern, i) => ({ id: `key_${i}`, pattern }))

/** What the ticket route does with an Origin header. */
const isAdmitted = (header: string | null, ...patterns: string[]) => {
  const origin = parseOrigin(header)
  return origin !== null && findOriginRule(rules(...patterns), origin) !== null
}

describe("an owner may save", () => {
  test.each([
    ["https://shop.example.com", "https://shop.example.com"],
    ["shop.example.com", "https://shop.example.com"],
    ["HTTPS://SHOP.EXAMPLE.COM", "https://shop.example.com"],
    ["  https://shop.example.com  ", "https://shop.example.com"],
    ["https://shop.example.com/", "https://shop.example.com"],
    ["https://shop.example.com:443", "https://shop.example.com"],
    ["https://shop.example.com:8443", "https://shop.example.com:8443"],
    ["shop.example.com:8443", "https://shop.example.com:8443"],
    ["https://bücher.example.de", "https://xn--bcher-kva.example.de"],
    ["https://*.example.com", "https://*.example.com"],
    ["*.example.com", "https://*.example.com"],
    ["*.shop.example.co.uk", "https://*.shop.example.co.uk"],
    ["*.example.co.uk", "https://*.example.co.uk"],
    ["https://*.example.com:8443", "https://*.example.com:8443"],
    ["anna.github.io", "https://anna.github.io"],
    ["*.anna.github.io", "https://*.anna.github.io"],
    ["example.com", "https://example.com"],
    ["https://my_shop.example.com", "https://my_shop.example.com"],
  ])("%s, kept as %s", (input, pattern) => {
    expect(saved(input)).toBe(pattern)
    expect(saved(pattern)).toBe(pattern)
  })
})

const neverAllowed = [
  "",
  " ",
  "*",
  "https://*",
  "https://*.",
  "*.*",
  "https://*.*.example.com",
  "https://a.*.example.com",
  "https://a*.example.com",
  "https://*example.com",
  "*.com",
  "com",
  "*.co.uk",
  "co.uk",
  "https://co.uk",
  "*.github.io",
  "github.io",
  "*.vercel.app",
  "*.netlify.app",
  "*.blogspot.com",
  "*.myshopify.com",
  "*.pages.dev",
  "null",
  "NULL",
  "file:///",
  "file:///home/index.html",
  "javascript:x",
  "javascript:1",
  "data:text/html,x",
  "blob:https://shop.example.com/1",
  "ftp://shop.example.com",
  "chrome-extension://abcdefghijklmnop",
  "ws://shop.example.com",
  "//shop.example.com",
  "https:shop.example.com",
  "https:/shop.example.com",
  "https://",
  "http://shop.example.com",
  "http://*.example.com",
  "https://shop.example.com/path",
  "https://shop.example.com/?",
  "https://shop.example.com?x=1",
  "https://shop.example.com/#",
  "https://shop.example.com#top",
  "https://user@shop.example.com",
  "https://user:password@shop.example.com",
  "https://@shop.example.com",
  "https://shop.example.com\\@evil.example.net",
  "https://shop.example.com\\",
  "https://shop.example.com;script-src.example.com",
  "https://shop.example.com,evil.example.net",
  "https://shop'.example.com",
  "https://shop.example.com evil.example.net",
  "https://shop.example.com:99999",
  "https://1.2.3.4",
  "https://16909060",
  "https://0x1020304",
  "https://[2001:db8::1]",
  "https://intranet",
  `https://${"a".repeat(300)}.example.com`,
  "https://192.168.0.1",
  "http://169.254.169.254",
]

const loopback = [
  "http://localhost",
  "http://localhost:3000",
  "https://localhost:3000",
  "http://127.0.0.1",
  "http://127.0.0.1:8080",
  "http://[::1]:3000",
  "http://shop.localhost:3000",
  "http://*.localhost:3000",
]

describe("no key takes", () => {
  test.each(neverAllowed)("%j", (input) => {
    expect(saved(input, "live")).toBeNull()
    expect(saved(input, "test")).toBeNull()
  })
})

describe("this computer's own addresses", () => {
  test.each(loopback)("%s: a test key takes it, a live key never", (input) => {
    expect(saved(input, "live")).toBeNull()
    expect(saved(input, "test")).toBe(input)
  })

  test.each([
    "http://localhost.example.com",
    "http://notlocalhost:3000",
    "http://127.0.0.1.example.com",
    "http://127.0.0.2",
    "http://0.0.0.0:3000",
    "http://*.127.0.0.1",
    "http://*.shop.localhost",
  ])("%s is not one of them", (input) => {
    expect(saved(input, "test")).toBeNull()
  })

  test("in other spellings are still this computer's, so a live key refuses them", () => {
    for (const input of [
      "https://0x7f.1",
      "https://2130706433",
      "https://127.1",
      "https://LOCALHOST",
    ])
      expect(saved(input, "live")).toBeNull()
  })
})

test("a refused website says what to change", () => {
  for (const input of [...neverAllowed, ...loopback]) {
    const parsed = parseOriginPattern(input, "live")
    expect("problem" in parsed && parsed.problem).toMatch(/^[A-Z“].{15,}\.$/)
  }
})

describe("with https://shop.example.com allowed", () => {
  const allowed = "https://shop.example.com"

  test.each(["https://shop.example.com", "HTTPS://SHOP.EXAMPLE.COM", "https://Shop.Example.com"])(
    "%s is admitted",
    (origin) => {
      expect(isAdmitted(origin, allowed)).toBe(true)
    },
  )

  test.each([
    null,
    "",
    "null",
    "NULL",
    "undefined",
    "*",
    "http://shop.example.com",
    "https://shop.example.com.evil.test",
    "https://evilshop.example.com",
    "https://shopXexample.com",
    "https://shop.example.com-evil.test",
    "https://shop-example.com",
    "https://example.com",
    "https://a.shop.example.com",
    "https://shop.example.com.",
    "https://shop.example.com:444",
    "https://shop.example.com:443",
    "https://shop.example.com/",
    "https://shop.example.com/path",
    "https://shop.example.com?x",
    "https://shop.example.com#",
    "https://user@shop.example.com",
    "https://shop.example.com@evil.test",
    "https://evil.test@shop.example.com",
    "https://shop.example.com\\evil.test",
    "https://shop.example.com%00.evil.test",
    "https://shop.example.com, https://evil.test",
    "https://evil.test, https://shop.example.com",
    "https://shop.example.com https://evil.test",
    " https://shop.example.com",
    "https://shop.example.com\t",
    "https://sh\u043ep.example.com",
    "https://shop\u3002example.com",
    "https://shop%2eexample.com",
    "//shop.example.com",
    "shop.example.com",
    "file://",
    "file://shop.example.com",
    "ftp://shop.example.com",
    "javascript:alert(1)",
    "data:text/html,x",
    "blob:https://shop.example.com/x",
    "chrome-extension://shop.example.com",
    `https://${"a".repeat(400)}.example.com`,
  ])("%j is refused", (origin) => {
    expect(isAdmitted(origin, allowed)).toBe(false)
  })
})

describe("with https://*.example.com allowed", () => {
  const wildcard = "https://*.example.com"

  test.each(["https://a.example.com", "https://a.b.example.com", "https://A.EXAMPLE.COM"])(
    "%s is admitted: any depth",
    (origin) => {
      expect(isAdmitted(origin, wildcard)).toBe(true)
    },
  )

  test.each([
    "https://example.com",
    "https://.example.com",
    "https://aexample.com",
    "https://a.example.com.evil.test",
    "https://a.example.com:8443",
    "http://a.example.com",
    "https://evil.test/.example.com",
    "https://evil.test?.example.com",
    "https://evil.test#.example.com",
    "https://*.example.com",
  ])("%s is refused", (origin) => {
    expect(isAdmitted(origin, wildcard)).toBe(false)
  })

  test("a port belongs to the rule", () => {
    expect(isAdmitted("https://a.example.com:8443", "https://*.example.com:8443")).toBe(true)
    expect(isAdmitted("https://a.example.com", "https://*.example.com:8443")).toBe(false)
    expect(isAdmitted("http://a.localhost:3000", "http://*.localhost:3000")).toBe(true)
    expect(isAdmitted("http://localhost:3000", "http://*.localhost:3000")).toBe(false)
    expect(isAdmitted("http://a.localhost:30001", "http://*.localhost:3000")).toBe(false)
  })
})

test("an empty list admits nobody, and its frame nobody either", () => {
  expect(isAdmitted("https://shop.example.com")).toBe(false)
  expect(frameAncestors([])).toBe("'none'")
})

test("the rule that admitted is the one whose removal ends the session", () => {
  const list = rules("https://*.example.com", "https://shop.example.org")
  expect(findOriginRule(list, "https://shop.example.org")).toEqual(list[1])
  expect(findOriginRule(list, "https://a.example.com")).toEqual(list[0])
})

test("whatever can be saved is a safe frame-ancestors source", () => {
  const inputs = ["https://shop.example.com", "*.example.com", "https://bücher.example.de"]
  const patterns = inputs.map((input) => saved(input)!)
  expect(frameAncestors(rules(...patterns))).toBe(
    "https://shop.example.com https://*.example.com https://xn--bcher-kva.example.de",
  )
  for (const pattern of patterns) expect(pattern).toMatch(/^https:\/\/(\*\.)?[\w.-]+(:\d+)?$/)
})
