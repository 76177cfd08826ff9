import { describe, expect, it } from "vitest"
import { readWebsite } from "./website-address.ts"

describe("what the owner types as a website", () => {
  it.each([
    ["shop.example", "https://shop.example"],
    ["  https://Shop.Example/ ", "https://shop.example"],
    ["www.shop.example:8443", "https://www.shop.example:8443"],
    ["https://*.shop.example", "https://*.shop.example"],
    ["*.shop.example", "https://*.shop.example"],
  ])("reads %s as %s", (typed, address) => {
    expect(readWebsite(typed)).toEqual({ ok: true, address, needsTestTag: false })
  })

  it.each([
    ["localhost:3000", "http://localhost:3000"],
    ["http://shop.localhost:4000", "http://shop.localhost:4000"],
    ["127.0.0.1:8080", "http://127.0.0.1:8080"],
  ])("knows that %s lives on one's own computer", (typed, address) => {
    expect(readWebsite(typed)).toEqual({ ok: true, address, needsTestTag: true })
  })

  it.each([
    ["https://shop.example/contact?x=1", "https://shop.example"],
    ["http://shop.example", "https://shop.example"],
    ["http://shop.example/contact", "https://shop.example"],
    ["https://me:secret@shop.example", "https://shop.example"],
  ])("offers a better address for %s", (typed, suggestion) => {
    expect(readWebsite(typed)).toMatchObject({ ok: false, suggestion })
  })

  it.each([
    "",
    "   ",
    "two words.example",
    "shop",
    "ftp://shop.example",
    "file:///etc",
    "https://",
  ])("refuses %j with a sentence", (typed) => {
    const reading = readWebsite(typed)
    expect(reading.ok).toBe(false)
    if (!reading.ok) expect(reading.message).toMatch(/[.]$/)
  })
})
