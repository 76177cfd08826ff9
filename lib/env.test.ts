import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { envNames, parseEnv } from "./env.ts"

const example = readFileSync(join(import.meta.dirname, "../.env.example"), "utf8")

describe(".env.example", () => {
  const listed = [...example.matchAll(/^#? ?([A-Z][A-Z0-9_]+)=(.*)$/gm)]

  test("lists every variable once and no other", () => {
    const names = listed.map(([, name]) => name!)
    // The runtime sets NODE_ENV itself.
    expect(names.toSorted()).toEqual(envNames.filter((name) => name !== "NODE_ENV").toSorted())
  })

  test("says something about each, and holds no secret and no live value", () => {
    const lines = example.split("\n")
    for (const [line, name, value] of listed) {
      const at = lines.indexOf(line)
      const above = lines.slice(0, at).findLast((l) => !/^#? ?[A-Z][A-Z0-9_]+=/.test(l))
      expect([name, above]).toEqual([name, expect.stringMatching(/^# .{10,}/)])
      if (/SECRET|KEY|TOKEN|PASSWORD/.test(name!)) expect([name, value]).toEqual([name, ""])
    }
  })

  test("as it stands is an environment that works", () => {
    const values = Object.fromEntries(listed.map(([, name, value]) => [name, value]))
    expect(() => parseEnv(values)).not.toThrow()
  })
})

describe("the environment", () => {
  test("needs nothing: every variable has a default or a way to do without", () => {
    const env = parseEnv({})
    expect(env).toMatchObject({
      PORT: 3000,
      APP_URL: "http://localhost:3000",
      WIDGET_URL: "http://127.0.0.1:3000",
      TRUSTED_PROXY_COUNT: 0,
    })
    for (const name of [
      "MASTER_API_KEY",
      "AUTH_SECRET",
      "TOKEN_KEYS",
      "TENANT_SETTING_KEY",
    ] as const)
      expect(env[name]).toBeUndefined()
  })

  test("takes an empty variable for a missing one", () => {
    const empty = Object.fromEntries(envNames.map((name) => [name, ""]))
    expect(parseEnv(empty)).toEqual(parseEnv({}))
  })

  test("names every bad variable at once, and shows the value of none", () => {
    const bad = {
      PORT: "eighty",
      APP_URL: "https://chat.example.com/path",
      AUTH_SECRET: "short-and-secret",
      TOKEN_KEYS: "kid:short-and-secret",
      MASTER_API_KEY: "m".repeat(31),
      MODEL_PROVIDER: "unheard-of",
      TRUSTED_PROXY_COUNT: "-1",
      LOG_LEVEL: "loud",
    }
    let message = ""
    try {
      parseEnv(bad)
    } catch (error) {
      message = (error as Error).message
    }
    for (const name of Object.keys(bad)) expect(message).toContain(name)
    for (const value of ["short-and-secret", "unheard-of", "m".repeat(31)])
      expect(message).not.toContain(value)
  })

  test.each([
    "https://chat.example.com/",
    "chat.example.com",
    "https://user@chat.example.com",
    "javascript:x",
    "https://chat.example.com?x",
  ])("takes only a bare origin as an address of ours, not %s", (APP_URL) => {
    expect(() => parseEnv({ APP_URL })).toThrow("APP_URL")
  })
})
