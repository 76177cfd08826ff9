import { expect, test, vi } from "vitest"
import { newId } from "#lib/ids.ts"
import { decryptSecret, encryptSecret } from "./encryption.ts"

const own = { tenantId: newId("tenant") }
const foreign = { tenantId: newId("tenant") }
const place = { table: "tools", column: "secret", id: newId("tool") }
const secret = '{"authorization":"Bearer größer"}'
const refused = expect.objectContaining({ code: "internal" })

test("a secret comes back as it was, and no two sealings are alike", () => {
  const sealed = encryptSecret(own, place, secret)
  expect(decryptSecret(own, place, sealed)).toBe(secret)
  expect(encryptSecret(own, place, secret)).not.toBe(sealed)
  expect(decryptSecret(own, place, encryptSecret(own, place, ""))).toBe("")
  expect(sealed).toMatch(/^v1\.[\w-]+$/)
  expect(Buffer.from(sealed.slice(3), "base64url").toString("latin1")).not.toContain("Bearer")
})

test("another tenant's ciphertext does not open, nor one from another table, column or row", () => {
  const sealed = encryptSecret(own, place, secret)
  expect(() => decryptSecret(foreign, place, sealed)).toThrow(refused)
  for (const other of [
    { ...place, table: "models" },
    { ...place, column: "url" },
    { ...place, id: newId("tool") },
    // The parts cannot be pushed into each other.
    { table: "tools\x1fsecret", column: "", id: place.id },
  ])
    expect(() => decryptSecret(own, other, sealed)).toThrow(refused)
})

test("any changed, cut or foreign text is refused, and the message says no secret", () => {
  const sealed = encryptSecret(own, place, secret)
  const bytes = Buffer.from(sealed.slice(3), "base64url")
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1
    expect(() => decryptSecret(own, place, `v1.${changed.toString("base64url")}`)).toThrow(refused)
  }
  for (const text of [
    "",
    "v1.",
    "v1.AAAA",
    sealed.slice(0, -4),
    sealed.slice(3),
    `v2${sealed.slice(2)}`,
  ])
    expect(() => decryptSecret(own, place, text)).toThrow(refused)
})

test("sealed under another key it does not open, and without a key nothing is sealed", async () => {
  const sealed = encryptSecret(own, place, secret)
  const load = async (key: string) => {
    vi.resetModules()
    vi.stubEnv("ENCRYPTION_KEY", key)
    return import("./encryption.ts")
  }
  const other = await load("another key of thirty-two letters")
  expect(() => other.decryptSecret(own, place, sealed)).toThrow(refused)
  const none = await load("")
  expect(() => none.encryptSecret(own, place, secret)).toThrow(
    expect.objectContaining({ code: "not_configured" }),
  )
  vi.unstubAllEnvs()
})
