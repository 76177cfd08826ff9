import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { errorTable, Failure, fail } from "./errors.ts"
import { type IdKind, idPattern, newId } from "./ids.ts"
import { hashSecret, isSameSecret, newSecret, settingKeyBytes } from "./secrets.ts"
import { cutBytes, toStorable } from "./text.ts"

describe("an id", () => {
  const kinds: IdKind[] = ["tenant", "bot", "source", "key", "session", "visitor", "message"]

  test("has its kind's prefix and 96 random bits", () => {
    for (const kind of kinds) {
      const ids = Array.from({ length: 1_000 }, () => newId(kind))
      expect(new Set(ids).size).toBe(1_000)
      for (const id of ids.slice(0, 10)) {
        expect(id).toMatch(idPattern(kind))
        expect(id.split("_")[1]).toHaveLength(24)
      }
    }
  })

  test("of one kind is none of another, and no more than itself", () => {
    const id = newId("bot")
    for (const text of [newId("key"), `${id}\n`, ` ${id}`, id.toUpperCase(), `${id}0`, "bot_"])
      expect(text).not.toMatch(idPattern("bot"))
  })
})

describe("a text", () => {
  test("that Postgres cannot hold is made one that it can", () => {
    expect(toStorable("a\u0000b\ud800c🙂")).toBe("a\ufffdb\ufffdc🙂")
  })

  test("is cut between characters, wherever the bytes end", () => {
    const text = "aé九🙂"
    const cuts = Array.from({ length: 11 }, (_, most) => cutBytes(text, most))
    expect(cuts).toEqual(["", "a", "a", "aé", "aé", "aé", "aé九", "aé九", "aé九", "aé九", text])
  })
})

describe("a secret", () => {
  test("is random, and kept as a hash that says nothing of it", () => {
    const secret = newSecret()
    expect(secret).toMatch(/^[0-9a-f]{48}$/)
    expect(secret).not.toBe(newSecret())
    expect(hashSecret(secret)).toMatch(/^[0-9a-f]{64}$/)
    expect(hashSecret(secret)).toBe(hashSecret(secret))
    expect(hashSecret(secret)).not.toBe(hashSecret(`${secret} `))
  })

  test("is the same only as itself, whatever the lengths", () => {
    expect(isSameSecret("abc", "abc")).toBe(true)
    for (const other of ["", "ab", "abcd", "ABC", "abc\0", "äbc"])
      expect(isSameSecret(other, "abc")).toBe(false)
    expect(isSameSecret("", "")).toBe(true)
  })

  test("that signs the tenant setting is 32 bytes, however it is spelled", () => {
    for (const text of ["short", "x".repeat(500), "schlüssel"])
      expect(settingKeyBytes(text)).toHaveLength(32)
  })
})

describe("an error", () => {
  test("has a status, a title and a sentence that says what to do", () => {
    for (const [code, [status, title, hint]] of Object.entries(errorTable)) {
      expect([code, status >= 400 && status < 600]).toEqual([code, true])
      expect([code, title]).toEqual([code, expect.stringMatching(/^[A-Z].*\.$/)])
      expect([code, hint]).toEqual([code, expect.stringMatching(/^[A-Z].*\.$/)])
    }
  })

  test("says what it was given to say, and keeps the rest for the logs", () => {
    expect(fail("not_found")).toMatchObject({ status: 404, detail: errorTable.not_found[2] })
    expect(fail("conflict", "Reload.").detail).toBe("Reload.")
    const failure = fail("unavailable", { internal: "10.0.0.5 refused" })
    expect(failure).toBeInstanceOf(Failure)
    expect(failure.detail).not.toContain("10.0.0.5")
    expect(failure.message).toContain("10.0.0.5")
  })
})

describe("the log", () => {
  const write = (code: string, level = "info") => {
    const script = `import { log } from "#lib/log.ts"; ${code}`
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: join(import.meta.dirname, ".."),
      env: { ...process.env, LOG_LEVEL: level },
      encoding: "utf8",
    })
    return stdout.split("\n").filter(Boolean)
  }

  test("is one JSON object a line, with a level in words and a time", () => {
    const lines = write('log.info({ requestId: "r" }, "one\\ntwo"); log.warn("three")')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: "info", time: expect.stringMatching(/Z$/), requestId: "r", msg: "one\ntwo" },
      { level: "warn", time: expect.any(String), msg: "three" },
    ])
  })

  test("shows no secret that strays into it", () => {
    const fields = ["password", "token", "ticket", "secret", "apiKey", "authorization", "cookie"]
    const values = Object.fromEntries(fields.map((field) => [field, "CANARY"]))
    const [line] = write(`log.info(${JSON.stringify({ ...values, request: values })}, "x")`) as [
      string,
    ]
    expect(line).not.toContain("CANARY")
    expect(line.match(/\[redacted\]/g)).toHaveLength(2 * fields.length)
  })

  test("is as quiet as LOG_LEVEL says", () => {
    expect(write('log.info("x")', "error")).toEqual([])
    expect(write('log.error("x")', "error")).toHaveLength(1)
  })
})
