import { describe, expect, test } from "vitest"
import { clientHeader, clientIp, resolveClient } from "./client-ip.ts"

describe("without a trusted proxy", () => {
  test.each(["203.0.113.9", "203.0.113.9, 198.51.100.1", "unknown", "", "x".repeat(10_000)])(
    "X-Forwarded-For %j changes nothing: the socket counts",
    (header) => {
      expect(resolveClient("192.0.2.1", header, 0)).toBe("192.0.2.1")
    },
  )

  test("a thousand invented addresses are one client", () => {
    const seen = Array.from({ length: 1_000 }, (_, i) =>
      resolveClient("192.0.2.1", `10.0.${i >> 8}.${i & 255}`, 0),
    )
    expect(new Set(seen)).toEqual(new Set(["192.0.2.1"]))
  })
})

describe("behind proxies", () => {
  test("the entry that the outermost trusted proxy wrote counts, not what stood there before", () => {
    expect(resolveClient("10.0.0.1", "203.0.113.9", 1)).toBe("203.0.113.9")
    expect(resolveClient("10.0.0.1", "1.1.1.1, 203.0.113.9", 1)).toBe("203.0.113.9")
    expect(resolveClient("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", 2)).toBe("203.0.113.9")
    expect(resolveClient("10.0.0.1", ["1.1.1.1", "203.0.113.9"], 1)).toBe("203.0.113.9")
  })

  test("a request that came past the proxies counts by its socket", () => {
    expect(resolveClient("10.0.0.1", undefined, 1)).toBe("10.0.0.1")
    expect(resolveClient("10.0.0.1", "203.0.113.9", 5)).toBe("203.0.113.9")
  })
})

describe("one IPv6 customer", () => {
  test.each([
    ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002:ffff::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
  ])("%s counts as %s", (address, network) => {
    expect(resolveClient(address, undefined, 0)).toBe(network)
  })

  test("an IPv4 address in IPv6 clothes is the IPv4 address", () => {
    expect(resolveClient("::ffff:192.0.2.1", undefined, 0)).toBe("192.0.2.1")
  })
})

test("nonsense is one client, never a new one each time", () => {
  expect(resolveClient(undefined, undefined, 0)).toBe("unknown")
  for (const text of [":::", "fe80::1%eth0", "[::1]:80", "a:b:c"])
    expect(resolveClient("10.0.0.1", text, 1)).toBe("unknown")
})

test("routes read the address that the web process wrote and no header of the client's", () => {
  expect(clientIp(new Headers({ [clientHeader]: "192.0.2.1" }))).toBe("192.0.2.1")
  expect(clientIp({ [clientHeader]: "192.0.2.1" })).toBe("192.0.2.1")
  const invented = {
    "x-forwarded-for": "1.1.1.1",
    "x-real-ip": "1.1.1.1",
    forwarded: "for=1.1.1.1",
  }
  expect(clientIp(new Headers(invented))).toBe("unknown")
  expect(clientIp(undefined)).toBe("unknown")
})
