import { describe, expect, test } from "vitest"
import { formatEmbedKey, newEmbedKey, parseEmbedKey } from "./embed-key.ts"

const random = "0123456789abcdef01234567"
const key = `pk_live_${random}_${random}`

test("a key says its mode, its id and its random part, and is read back as it was written", () => {
  const parts = { mode: "test", ...newEmbedKey() } as const
  expect(formatEmbedKey(parts)).toMatch(/^pk_test_[0-9a-f]{24}_[0-9a-f]{24}$/)
  expect(parseEmbedKey(formatEmbedKey(parts))).toEqual(parts)
  expect(parseEmbedKey(key)).toEqual({ mode: "live", keyId: `key_${random}`, random })
})

test("the random part holds 96 random bits and repeats nothing of the id", () => {
  const made = Array.from({ length: 200 }, newEmbedKey)
  expect(new Set(made.map((k) => k.random)).size).toBe(200)
  expect(new Set(made.map((k) => k.keyId)).size).toBe(200)
  for (const { keyId, random } of made) expect(keyId).not.toContain(random)
})

describe("is not a key:", () => {
  test.each([
    ["nothing", undefined],
    ["null", null],
    ["a number", 1],
    ["true", true],
    ["a list", [key]],
    ["an object", { $ne: null }],
    ["an object that prints as one", { toString: () => key }],
    ["empty text", ""],
    ["a secret key", `sk_${random}${random}`],
    ["upper case", key.toUpperCase()],
    ["a line break behind", `${key}\n`],
    ["a space before", ` ${key}`],
    ["a NUL behind", `${key}\u0000`],
    ["%00 behind", `${key}%00`],
    ["a zero-width space inside", `${key.slice(0, 10)}\u200b${key.slice(10)}`],
    ["a homoglyph", key.replace("a", "\u0430")],
    ["full-width digits", key.replace("0", "\uff10")],
    ["one digit short", key.slice(0, -1)],
    ["one digit long", `${key}0`],
    ["another mode", key.replace("live", "prod")],
    ["no mode", `pk_${random}_${random}`],
    ["a megabyte", `pk_live_${"0".repeat(1_000_000)}`],
  ])("%s", (_, text) => {
    expect(parseEmbedKey(text)).toBeNull()
  })
})
