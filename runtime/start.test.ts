import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { markDemo } from "./demo-mark.ts"
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

test("an external database without secrets is refused, each missing one named", async () => {
  const { code, said } = await start({ DATABASE_URL: database.appUrl })
  expect(said).toMatch(/required too: AUTH_SECRET, TOKEN_KEYS, ENCRYPTION_KEY, TENANT_SETTING_KEY/)
  expect(said).not.toMatch(/ at /)
  expect(code).toBe(1)
})

test("a short secret is refused without being shown", async () => {
  const { code, said } = await start({ ...secrets, AUTH_SECRET: "tooshort" })
  expect(said).toMatch(/AUTH_SECRET: needs at least 32 characters/)
  expect(said).not.toMatch(/tooshort/)
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
