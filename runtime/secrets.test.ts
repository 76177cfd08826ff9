import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { parseEnv } from "#lib/env.ts"
import { loadSecrets } from "./secrets.ts"

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "coatcheck-secrets-"))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

test("makes secrets that the environment accepts, once, readable by nobody else", () => {
  const made = loadSecrets(dataDir, { source: {} })
  expect(() => parseEnv(made)).not.toThrow()
  expect(new Set(Object.values(made)).size).toBe(4)
  expect(loadSecrets(dataDir, { source: {} })).toEqual(made)
  expect(statSync(join(dataDir, "secrets.json")).mode & 0o777).toBe(0o600)
})

test("what the environment sets wins, and is not written down", () => {
  const mine = "x".repeat(40)
  const loaded = loadSecrets(dataDir, { source: { AUTH_SECRET: mine } })
  expect(loaded.AUTH_SECRET).toBe(mine)
  expect(readFileSync(join(dataDir, "secrets.json"), "utf8")).not.toContain(mine)
})

test("with an external database it names every missing secret and makes none", () => {
  const source = { AUTH_SECRET: "x".repeat(40), TOKEN_KEYS: "" }
  expect(() => loadSecrets(dataDir, { source, isDatabaseExternal: true })).toThrow(
    /required too: TOKEN_KEYS, ENCRYPTION_KEY, TENANT_SETTING_KEY\./,
  )
  expect(() => statSync(join(dataDir, "secrets.json"))).toThrow()
})

test("a damaged file is reported, never replaced by new secrets", () => {
  writeFileSync(join(dataDir, "secrets.json"), "{")
  expect(() => loadSecrets(dataDir, { source: {} })).toThrow(/lacks AUTH_SECRET/)
  expect(readFileSync(join(dataDir, "secrets.json"), "utf8")).toBe("{")
})
