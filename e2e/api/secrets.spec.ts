import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Client } from "pg"
import {
  ask,
  buyTicket,
  call,
  newAddress,
  openSession,
  openShop,
  returnsQuestion as question,
} from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import { signIn } from "../walls/two-tenants.ts"

const root = join(import.meta.dirname, "..", "..")

/** Every value of every table, queue included, as text. */
async function dumpDatabase(deployment: Deployment): Promise<string> {
  const url = deployment.database.superuserUrl.replace(/[^/]+$/, "coatcheck")
  const client = new Client({ connectionString: url })
  await client.connect()
  const tables = await client.query<{ name: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema')`)
  const dumps: string[] = []
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
    dumps.push(`${name}\n${rows.map(({ row }) => row).join("\n")}`)
  }
  await client.end()
  return dumps.join("\n")
}

test("K37 no secret that was used stands in the logs or the database in the clear", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const ticket = await buyTicket(deployment, shop)
  const session = await openSession(deployment, shop)
  const { text } = await ask(deployment, session.token, question)
  expect(text).toContain("30 days")
  // Secrets in the wrong places are the ones that tend to be logged.
  await call(deployment, "/admin/tenants", { headers: { "x-master-key": `${shop.secretKey}` } })
  await call(deployment, `/v1/bots?key=${shop.secretKey}`)
  await call(deployment, "/api/embed/ticket", {
    headers: { origin: shop.origin },
    body: { key: deployment.masterKey },
  })
  await call(deployment, "/api/embed/session", { body: { ticket: session.token } })

  // A person with a password, and a second API key, which is shown this once.
  const person = {
    email: `person-${newAddress()}@example.com`,
    password: `password-${newAddress()}-long`,
  }
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  await makeTenant(person)
  await disconnect()
  await signIn(deployment, person.email, person.password)
  await signIn(deployment, person.email, `${person.password}-wrong`).catch(() => {})
  const second = await shop.api<{ id: string; secret: string }>("/v1/api-keys", {
    body: { name: "Second" },
  })
  const listed = await shop.api<{ data: { id: string }[] }>("/v1/api-keys")
  const shown = listed.body.data.find(({ id }) => id === second.body.id)!
  expect(JSON.stringify(shown)).toContain(second.body.secret.slice(-4))
  expect(JSON.stringify(shown)).not.toContain(second.body.secret.slice(-5))

  const secrets = {
    password: person.password,
    "second API key": second.body.secret,
    "API key": shop.secretKey,
    "master key": deployment.masterKey,
    ticket,
    "session token": session.token,
    "visitor secret": session.visitorSecret,
    "model key": "model-key-that-must-stay-inside",
    "token key": deployment.env.TOKEN_KEYS!.split(":")[1]!,
    "auth secret": deployment.env.AUTH_SECRET!,
    "encryption key": deployment.env.ENCRYPTION_KEY!,
    "database password": new URL(deployment.database.appUrl).password,
  }
  const logs = deployment.logs()
  const dump = await dumpDatabase(deployment)
  expect(logs).toContain('"path":"/api/embed/chat"')
  expect(dump).toContain(question)
  for (const [name, secret] of Object.entries(secrets)) {
    expect(secret.length, name).toBeGreaterThan(20)
    expect(logs.includes(secret), `${name} in the logs`).toBe(false)
    expect(dump.includes(secret), `${name} in the database`).toBe(false)
  }
  expect(logs.includes(shop.key), "the whole embed key in the logs").toBe(false)
})

test("every log line is one JSON object with a level in words", async ({ deployment }) => {
  await openShop(deployment)
  const lines = deployment
    .logs()
    .split("\n")
    .filter((line) => line.startsWith("{"))
  expect(lines.length).toBeGreaterThan(5)
  for (const line of lines) expect(typeof JSON.parse(line).level).toBe("string")
})

test("nothing a browser can load names a secret of ours", () => {
  const folders = [join(root, ".next", "static"), join(root, "public")]
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  expect(files.some((path) => path.endsWith("embed.js"))).toBe(true)
  const forbidden =
    /sk_[0-9a-f]{20}|MASTER_API_KEY|DATABASE_URL|AUTH_SECRET|TOKEN_KEYS|ENCRYPTION_KEY|MODEL_API_KEY|postgresql:\/\//
  for (const path of files.filter((name) => /\.(js|css|html|json|txt|map)$/.test(name)))
    expect(forbidden.exec(readFileSync(path, "utf8"))?.[0] ?? "", path).toBe("")
})

test("an API key that arrives from a browser is refused, and its owner can see that it leaked", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const signs: Record<string, string>[] = [
    { origin: shop.origin },
    { "sec-fetch-site": "cross-site" },
  ]
  for (const headers of signs) {
    const answer = await shop.api("/v1/bots", { headers })
    expect([answer.status, answer.body.code]).toEqual([401, "unauthorized"])
    expect(answer.headers.get("access-control-allow-origin")).toBeNull()
  }
  const events = await shop.api<{ data: { action: string }[] }>("/v1/audit-events")
  expect(events.body.data.map(({ action }) => action)).toContain("apiKey.usedInBrowser")
})

test("K36 what a session returns is the public look and nothing of the house", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const ticket = await buyTicket(deployment, shop)
  const answer = await call(deployment, "/api/embed/session", { body: { ticket } })
  expect(answer.status).toBe(201)
  expect(answer.headers.get("cache-control")).toBe("no-store")
  expect(answer.headers.get("etag")).toBeNull()
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(answer.body.expiresIn).toBeLessThanOrEqual(600)
  const { bot, ...rest } = answer.body
  expect(Object.keys(rest).sort()).toEqual([
    "conversation",
    "expiresIn",
    "sessionId",
    "token",
    "visitorId",
    "visitorSecret",
  ])
  expect(Object.keys(bot as object).sort()).toEqual([
    "color",
    "greeting",
    "id",
    "isTest",
    // The owner's own words at the day's limit: meant for visitors.
    "limitNote",
    "linkOrigins",
    "locale",
    "name",
    "starters",
  ])
  expect(answer.text).not.toContain(shop.tenantId)
  expect(answer.text).not.toMatch(/instructions|allowedOrigins|limits|sk_/)
  const stream = await ask(deployment, String(answer.body.token), question, { ip: newAddress() })
  expect(JSON.stringify(stream.parts)).not.toContain(shop.tenantId)
})
