import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, expect, test } from "vitest"
import { parseEnv } from "#lib/env.ts"
import { withClient } from "./database-roles.ts"
import { markDemo } from "./demo-mark.ts"
import { diagnoseDatabase } from "./diagnose-database.ts"
import { diagnoseReach } from "./diagnose-reach.ts"
import { type Diagnosis, diagnoseSettings } from "./diagnose-settings.ts"
import { type ClonedDatabase, cloneDatabase } from "./test-database.ts"

let database: ClonedDatabase
beforeAll(async () => {
  database = await cloneDatabase()
})
afterAll(() => database.drop())

const examine = (change: Partial<Parameters<typeof diagnoseDatabase>[0]> = {}) =>
  diagnoseDatabase({
    appUrl: database.appUrl,
    ownerUrl: database.ownerUrl,
    tenantSettingKey: process.env.TENANT_SETTING_KEY ?? "",
    isDemoAllowed: false,
    ...change,
  })

const problems = (findings: Diagnosis[]) =>
  findings.filter((finding) => finding.level !== "ok").map((f) => `${f.level} ${f.message}`)

const complete = {
  APP_URL: "https://app.example.com",
  WIDGET_URL: "https://chat.example.com",
  TRUSTED_PROXY_COUNT: "1",
  MASTER_API_KEY: "m".repeat(32),
  SMTP_URL: "smtp://mail.example.com:587",
  MODEL_PROVIDER: "openai",
  MODEL_NAME: "some-model",
  MODEL_API_KEY: "some-key",
}

test("a complete deployment has nothing to fix", () => {
  expect(problems(diagnoseSettings(parseEnv(complete)))).toEqual([])
})

test.each([
  [{ WIDGET_URL: complete.APP_URL }, "warn APP_URL and WIDGET_URL are one origin"],
  [{ APP_URL: "http://app.example.com" }, "fail APP_URL is http://app.example.com, without https"],
  [{ WIDGET_URL: "" }, "fail APP_URL is https://app.example.com, but WIDGET_URL"],
  [{ TRUSTED_PROXY_COUNT: "0" }, "warn https means a proxy"],
  [{ MASTER_API_KEY: "" }, "warn MASTER_API_KEY is not set"],
  [{ SMTP_URL: "" }, "warn SMTP_URL is not set"],
  [{ SMTP_URL: "mail.example.com" }, "fail SMTP_URL is not an smtp://"],
  [{ MODEL_PROVIDER: "" }, "warn No model is configured"],
  [{ MODEL_API_KEY: "" }, "fail MODEL_PROVIDER is openai, but MODEL_API_KEY is missing"],
  [{ MODEL_PROVIDER: "openai-compatible" }, "fail MODEL_PROVIDER is openai-compatible, but MODEL_"],
])("names what %j breaks", (change, expected) => {
  const found = problems(diagnoseSettings(parseEnv({ ...complete, ...change })))
  expect(found).toContainEqual(expect.stringContaining(expected))
})

test("a fresh database has nothing to fix", async () => {
  expect(problems(await examine())).toEqual([])
})

test("a database that holds another signing key is found out", async () => {
  expect(problems(await examine({ tenantSettingKey: "another" }))).toEqual([
    "fail The database holds another TENANT_SETTING_KEY: every tenant would look empty.",
  ])
})

test("an owner as the app role, and a demo in production, are found out", async () => {
  await markDemo(database.ownerUrl)
  const found = problems(await examine({ appUrl: database.ownerUrl })).join("\n")
  expect(found).toMatch(/fail "owner" owns/)
  expect(found).toMatch(/fail This database holds the demo/)
})

test("missing migrations are named", async () => {
  const clone = await cloneDatabase()
  await withClient(clone.ownerUrl, (client) => client.query("delete from _prisma_migrations"))
  const found = problems(await examine({ appUrl: clone.appUrl, ownerUrl: clone.ownerUrl }))
  await clone.drop()
  expect(found[0]).toMatch(/fail The schema lacks \d+_init/)
})

test("a database that does not answer is one line, not a stack", async () => {
  const found = await examine({ appUrl: "postgresql://app:x@127.0.0.1:1/coatcheck" })
  expect(problems(found)).toEqual([expect.stringMatching(/fail The database does not answer/)])
})

test("what stands in for the loader is found out: nothing, or a page", async () => {
  let contentType = "text/html"
  const server = createServer((_, response) => {
    response.setHeader("content-type", contentType)
    response.end("ok")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = parseEnv({ APP_URL: here, WIDGET_URL: here })
  expect(problems(await diagnoseReach(env))).toEqual([
    `fail ${here}/embed.js is served as text/html, not as a script.`,
  ])
  contentType = "text/javascript; charset=utf-8"
  expect(problems(await diagnoseReach(env))).toEqual([])
  await new Promise((resolve) => server.close(resolve))
  expect(problems(await diagnoseReach(env))).toHaveLength(2)
})
