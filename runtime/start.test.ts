import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { markDemo } from "./demo-mark.ts"
import { projectFolder } from "./environment.ts"
import { type ClonedDatabase, cloneDatabase } from "./test-database.ts"

let database: ClonedDatabase
let dataDir: string
beforeAll(async () => {
  database = await cloneDatabase()
  dataDir = mkdtempSync(join(tmpdir(), "coatcheck-start-"))
})
afterAll(async () => {
  await database.drop()
  rmSync(dataDir, { recursive: true, force: true })
})

const secrets = {
  AUTH_SECRET: "a".repeat(32),
  TOKEN_KEYS: `k1:${"t".repeat(32)}`,
  ENCRYPTION_KEY: "e".repeat(32),
  TENANT_SETTING_KEY: "s".repeat(32),
}

/** Runs `npm start`'s program with nothing but these variables and returns how it ended. */
async function start(env: Record<string, string>): Promise<{ code: number | null; said: string }> {
  // What a developer's own .env says must not leak in: set is set, even when empty.
  const blank = { DEMO: "", HOST: "127.0.0.1", APP_URL: "", WIDGET_URL: "", DATABASE_URL: "" }
  const child = spawn(process.execPath, [join(import.meta.dirname, "start.ts")], {
    env: {
      ...{ ...blank, MIGRATION_DATABASE_URL: "", DATA_DIR: dataDir, PORT: "0" },
      ...env,
    } as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
  })
  let said = ""
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => {
      said += text
    })
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve))
  return { code, said }
}

test("T32 an external database without secrets is refused, each missing one named", async () => {
  const { code, said } = await start({ DATABASE_URL: database.appUrl })
  expect(said).toMatch(/required too: AUTH_SECRET, TOKEN_KEYS, ENCRYPTION_KEY, TENANT_SETTING_KEY/)
  expect(said).not.toMatch(/ at /)
  expect(code).toBe(1)
})

test.each([
  ["AUTH_SECRET", "s".repeat(31), /AUTH_SECRET: needs at least 32 characters/],
  ["TOKEN_KEYS", `k1:${"s".repeat(31)}`, /TOKEN_KEYS: must be .* at least 32 characters/],
  ["TOKEN_KEYS", `k2:${"n".repeat(32)},k1:${"s".repeat(31)}`, /TOKEN_KEYS: must be/],
  ["TOKEN_KEYS", "s".repeat(64), /TOKEN_KEYS: must be/],
])(
  "T32 a %s of 31 bytes, or of another shape, is refused without being shown",
  async (name, value, expected) => {
    const { code, said } = await start({ ...secrets, [name]: value })
    expect(said).toMatch(expected)
    expect(said).not.toContain("ssssssss")
    expect(code).toBe(1)
  },
)

test("T32 what .env.example says is no secret: there is no default to forget", async () => {
  const example = readFileSync(join(projectFolder, ".env.example"), "utf8")
  const defaults = Object.keys(secrets).map((name) => {
    const line = example
      .split("\n")
      .find((each) => each.replace(/^# ?/, "").startsWith(`${name}=`))!
    return [name, line.slice(line.indexOf("=") + 1)]
  })
  const { code, said } = await start({
    ...Object.fromEntries(defaults),
    DATABASE_URL: database.appUrl,
  })
  expect(said).toMatch(/required too: AUTH_SECRET, TOKEN_KEYS, ENCRYPTION_KEY, TENANT_SETTING_KEY/)
  expect(code).toBe(1)
})

test.each([
  ["the owner", () => database.ownerUrl, /"owner" owns/],
  ["a superuser", () => database.superuserUrl, /"postgres" is a superuser/],
])("%s as the app role is refused", async (_, url, expected) => {
  const { code, said } = await start({ ...secrets, DATABASE_URL: url() })
  expect(said).toMatch(expected)
  expect(code).toBe(1)
})

test("a demo database does not serve in production", async () => {
  const demo = await cloneDatabase()
  await markDemo(demo.ownerUrl)
  const { code, said } = await start({ ...secrets, DATABASE_URL: demo.appUrl })
  await demo.drop()
  expect(said).toMatch(/does not serve in production/)
  expect(code).toBe(1)
})

test.each([[{ HOST: "0.0.0.0" }], [{ APP_URL: "https://demo.example.com" }]])(
  "a demo serves this machine alone: %j is refused",
  async (change) => {
    const { code, said } = await start({ DEMO: "1", ...change })
    expect(said).toMatch(/serves this machine alone/)
    expect(code).toBe(1)
  },
)
