import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import pg from "pg"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { addTextSource } from "#lib/knowledge/add-sources.ts"
import { ingestSource } from "#lib/knowledge/ingest.ts"
import { startCrawl } from "#lib/knowledge/open-crawl.ts"
import { makeBot } from "#prisma/factories.ts"
import { disconnect, type Tx, withTenant } from "./database.ts"
import { type Household, makeHousehold } from "./household.fixture.ts"

// Code that forgets everything, with both walls up; and that none of it sets a tenant for longer than one
// transaction.

let own: Household
let foreign: Household
const statements: string[] = []

beforeAll(async () => {
  // Every statement that leaves this process, as the driver hears of it.
  const query = pg.Client.prototype.query
  vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (this: pg.Client, ...args) {
    const [first] = args as unknown as [string | { text?: string } | undefined]
    statements.push(typeof first === "string" ? first : (first?.text ?? ""))
    return Reflect.apply(query, this, args)
  })
  own = await makeHousehold()
  foreign = await makeHousehold()
}, 120_000)
afterAll(async () => {
  vi.restoreAllMocks()
  await disconnect()
})

test("X19 a forgotten where, raw SQL, an include, a batch and a nested transaction get one's own rows", async () => {
  const { tenantId } = own.tenant
  const foreignBot = foreign.bots[0]!.botId
  await withTenant(own.tenant.scope, async (tx) => {
    const found = [
      ...(await tx.message.findMany({})),
      ...(await tx.message.findMany({ where: { tenantId: { not: tenantId } } })),
      ...(await tx.$queryRaw<{ tenantId: string }[]>`
        select tenant_id as "tenantId" from public.messages`),
      ...(await tx.$queryRaw<{ tenantId: string }[]>`
        select b.tenant_id as "tenantId" from public.bots b
        left join public.sources s on s.bot_id = b.id or true`),
      ...(await tx.$queryRaw<{ tenantId: string }[]>`
        select tenant_id as "tenantId" from public.bots where id = ${foreignBot} or 1 = 1`),
      ...(await Promise.all([tx.bot.findFirst({}), tx.lead.findFirst({})])),
    ]
    expect(found.length).toBeGreaterThan(20)
    expect(new Set(found.map((row) => row?.tenantId))).toEqual(new Set([tenantId]))
    expect(await tx.bot.findUnique({ where: { id: foreignBot } })).toBeNull()
    // The models declare no relations: there is nothing to nest, and asking for it is an error.
    const nested = { include: { sources: true } } as unknown as Parameters<Tx["bot"]["findMany"]>[0]
    await expect(tx.bot.findMany(nested)).rejects.toThrow(/include/)
  })
  const written = await withTenant(own.tenant.scope, async (tx) => ({
    many: await tx.bot.updateMany({ data: { label: "Careless" } }),
    raw: await tx.$executeRaw`update public.bots set label = 'Careless'`,
  }))
  expect(written.raw).toBe(written.many.count)
  const untouched = await withTenant(foreign.tenant.scope, (tx) => tx.bot.findMany({}))
  expect(untouched.map(({ label }) => label)).not.toContain("Careless")
})

test("X28 a job acts for the tenant of its row, whatever else it is told", async () => {
  const read = (household: Household) =>
    withTenant(household.tenant.scope, async (tx) => [
      await tx.source.findMany({ orderBy: { id: "asc" } }),
      await tx.crawl.findMany({ orderBy: { id: "asc" } }),
      await tx.chunk.count(),
    ])
  const mine = await read(own)
  const [crawl] = await withTenant(foreign.tenant.scope, (tx) => tx.crawl.findMany())
  let wasAskedFor = false
  const fetch = async () => {
    wasAskedFor = true
    return new Response("")
  }
  // The tenant of one, the website of another: there is no such website.
  await startCrawl(
    { crawlId: crawl!.id, tenantId: own.tenant.tenantId },
    { fetch: fetch as never, signal: new AbortController().signal },
  ).catch(() => {})
  expect(wasAskedFor).toBe(false)
  // A source names its own tenant, and nothing else can: its chunks land there, an unknown one's nowhere.
  const { id: botId } = await makeBot(foreign.tenant.scope)
  const queued = await addTextSource(foreign.tenant.scope, botId, {
    title: "Queued",
    text: "Read by a worker that was told of another tenant.",
  })
  const told = { sourceId: queued.id, tenantId: own.tenant.tenantId }
  expect(await ingestSource(told.sourceId)).toBe("ready")
  const chunks = (household: Household) =>
    withTenant(household.tenant.scope, (tx) => tx.chunk.count({ where: { sourceId: queued.id } }))
  expect(await chunks(foreign)).toBe(1)
  expect(await chunks(own)).toBe(0)
  expect(await ingestSource("src_000000000000000000000000")).toBe("gone")
  expect(await read(own)).toEqual(mine)
})

test("X18 no statement sets a tenant for longer than its transaction, and no code could", async () => {
  const settings = statements.filter((text) =>
    /set_config|\bset\s+(local\s+|session\s+)?["a-z_]+\./i.test(text),
  )
  expect(settings.length).toBeGreaterThan(50)
  for (const text of settings) {
    expect(text).not.toMatch(/\bset\s+(session\s+)?["a-z_]+\.\w+\s*(=|to)/i)
    // Each call of set_config ends in `true`: for this transaction.
    const calls = [...text.matchAll(/set_config\(\s*'[^']+',\s*[^,]+,\s*(\w+)\s*\)/g)]
    expect(calls.length).toBeGreaterThan(0)
    expect(new Set(calls.map(([, isLocal]) => isLocal))).toEqual(new Set(["true"]))
  }
  const root = join(import.meta.dirname, "../..")
  const sources = ["app", "components", "lib", "runtime", "prisma/migrations"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.(ts|tsx|sql)$/.test(path) && !/\.(test|fixture)\.ts$/.test(path))
      .filter((path) => !path.includes("prisma/internal") && !path.startsWith("tenancy/prisma"))
      .map((path) => join(folder, path)),
  )
  expect(sources.length).toBeGreaterThan(200)
  const findings = sources.flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8")
    const found = [
      /\$(queryRawUnsafe|executeRawUnsafe)/,
      /set_config\([^)]*,\s*false\s*\)/,
      /\bset\s+(session\s+)?(app|tenant)\.\w+/i,
    ].filter((pattern) => pattern.test(text))
    return found.map((pattern) => `${path}: ${pattern}`)
  })
  expect(findings).toEqual([])
})
