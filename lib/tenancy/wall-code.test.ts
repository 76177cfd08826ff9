import { Client } from "pg"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { type ClonedDatabase, cloneDatabase } from "#runtime/test-database.ts"
import { listTenantTables, type TenantTable } from "./catalog.fixture.ts"
import type { Tx } from "./database.ts"
import type { Household } from "./household.fixture.ts"

// Wall 1 with wall 2 down: the server's role is a superuser here, so row security admits everything and
// only the Prisma extension stands between a call without a `where` and another tenant's rows. What it
// cannot see is wall 2's: raw SQL, and `cursor`, which only positions a list.

let clone: ClonedDatabase
let admin: Client
let tables: TenantTable[]
let database: typeof import("./database.ts")
let own: Household
let foreign: Household

beforeAll(async () => {
  clone = await cloneDatabase()
  admin = new Client({ connectionString: clone.superuserUrl })
  await admin.connect()
  // The rows are made with both walls up; then the server's modules are loaded anew on a superuser.
  // lib/env.ts reads the address once, when it is first imported.
  process.env.DATABASE_URL = clone.appUrl
  const { makeHousehold } = await import("./household.fixture.ts")
  own = await makeHousehold()
  foreign = await makeHousehold()
  await (await import("./database.ts")).disconnect()
  vi.resetModules()
  process.env.DATABASE_URL = clone.superuserUrl
  database = await import("./database.ts")
  tables = await listTenantTables(admin)
})

afterAll(async () => {
  await database.disconnect()
  await admin.end()
  await clone.drop()
})

type Rows = Record<string, unknown>[]
type Model = {
  findMany(args?: object): Promise<Rows>
  findFirst(args?: object): Promise<Rows[number] | null>
  findUnique(args: object): Promise<Rows[number] | null>
  count(args?: object): Promise<number>
  groupBy(args: object): Promise<Rows>
  aggregate(args: object): Promise<{ _count: { _all: number } }>
  update(args: object): Promise<unknown>
  updateMany(args: object): Promise<{ count: number }>
  delete(args: object): Promise<unknown>
  deleteMany(args?: object): Promise<{ count: number }>
  create(args: object): Promise<Rows[number]>
  createManyAndReturn(args: object): Promise<Rows>
  upsert(args: object): Promise<Rows[number]>
}

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

const properties: Record<string, string> = {
  bot_corpora: "botCorpus",
  api_keys: "apiKey",
  usage_entries: "usageEntry",
}

function modelOf(tx: Tx, table: TenantTable): Model {
  const property = properties[table.name] ?? camel(table.name.replace(/s$/, ""))
  const model = (tx as unknown as Record<string, Model>)[property]
  if (!model) throw new Error(`There is no model for ${table.name}`)
  return model
}

const sentinel = new Error("rolled back on purpose")

/** Runs `work` as the own tenant and rolls back. */
async function asOwn(work: (tx: Tx) => Promise<void>): Promise<void> {
  await database
    .withTenant(own.tenant.scope, async (tx) => {
      await work(tx)
      throw sentinel
    })
    .catch((error: unknown) => {
      if (error !== sentinel) throw error
    })
}

async function countRows(table: TenantTable, tenantId: string): Promise<number> {
  const sql = `select count(*)::int as n from public.${table.name} where ${table.tenantColumn} = $1`
  return (await admin.query<{ n: number }>(sql, [tenantId])).rows[0]!.n
}

/** A row of another tenant, and the argument that a careless caller would find it by. */
async function findForeignRow(table: TenantTable) {
  const { rows } = await admin.query<Record<string, unknown>>(
    `select * from public.${table.name} where ${table.tenantColumn} = $1 limit 1`,
    [foreign.tenant.tenantId],
  )
  const row = rows[0]!
  const key = Object.fromEntries(table.primaryKey.map((c) => [camel(c), row[c]]))
  const where =
    table.primaryKey.length === 1 ? key : { [table.primaryKey.map(camel).join("_")]: key }
  return { row, where }
}

describe("without row security", () => {
  test("this test's role really skips wall 2, and both tenants have rows in every table", async () => {
    const [role] = await database.callDefiner<{ rolsuper: boolean }>(
      "read_role",
      "select rolsuper from pg_roles where rolname = current_user",
      [],
    )
    expect(role!.rolsuper).toBe(true)
    for (const table of tables) {
      expect([table.name, await countRows(table, own.tenant.tenantId)]).not.toContain(0)
      expect([table.name, await countRows(table, foreign.tenant.tenantId)]).not.toContain(0)
    }
  })

  test("a read without a where returns the own tenant's rows only, on every model", async () => {
    for (const table of tables) {
      const mine = own.tenant.tenantId
      const column = camel(table.tenantColumn)
      const expected = await countRows(table, mine)
      await asOwn(async (tx) => {
        const model = modelOf(tx, table)
        const rows = await model.findMany({})
        expect([table.name, rows.length]).toEqual([table.name, expected])
        expect(new Set(rows.map((row) => row[column]))).toEqual(new Set([mine]))
        expect((await model.findFirst())![column]).toBe(mine)
        expect(await model.count()).toBe(expected)
        expect((await model.aggregate({ _count: { _all: true } }))._count._all).toBe(expected)
        const groups = await model.groupBy({ by: [column], _count: { _all: true } })
        expect(groups).toEqual([{ [column]: mine, _count: { _all: expected } }])
      })
    }
  })

  test("naming another tenant, or another tenant's row, finds nothing, on every model", async () => {
    for (const table of tables) {
      const column = camel(table.tenantColumn)
      const { where } = await findForeignRow(table)
      await asOwn(async (tx) => {
        const model = modelOf(tx, table)
        const unique = await model.findUnique({ where })
        // tenants: its key is the tenant, so the question itself is turned into one's own.
        if (unique) expect([table.name, unique[column]]).toEqual(["tenants", own.tenant.tenantId])
        const named = await model.findMany({ where: { [column]: foreign.tenant.tenantId } })
        expect(named.filter((row) => row[column] !== own.tenant.tenantId)).toEqual([])
        const either = await model.findMany({
          where: { OR: [{ [column]: foreign.tenant.tenantId }, { [column]: own.tenant.tenantId }] },
        })
        expect(either.filter((row) => row[column] !== own.tenant.tenantId)).toEqual([])
      })
    }
  })

  test("an update or delete of another tenant's row by its key fails, on every model", async () => {
    for (const table of tables) {
      if (table.name === "tenants") continue
      const { row, where } = await findForeignRow(table)
      const before = await countRows(table, foreign.tenant.tenantId)
      const changed = table.columns.find((c) => c !== "tenant_id" && !table.primaryKey.includes(c))!
      const data = { [camel(changed)]: row[changed] }
      const update = (tx: Tx) => modelOf(tx, table).update({ where, data })
      await expect(asOwn((tx) => update(tx).then(() => {}))).rejects.toMatchObject({
        code: "P2025",
      })
      const remove = (tx: Tx) => modelOf(tx, table).delete({ where })
      await expect(asOwn((tx) => remove(tx).then(() => {}))).rejects.toMatchObject({
        code: "P2025",
      })
      expect(await countRows(table, foreign.tenant.tenantId)).toBe(before)
    }
  })

  test("a bulk update or delete without a where leaves every other tenant alone", async () => {
    for (const table of tables) {
      const column = camel(table.tenantColumn)
      const expected = await countRows(table, own.tenant.tenantId)
      const everything = `select count(*)::int as n, md5(string_agg(t::text, '' order by t::text)) as sum
        from public.${table.name} t where ${table.tenantColumn} = '${foreign.tenant.tenantId}'`
      const before = (await admin.query(everything)).rows
      await database
        .withTenant(own.tenant.scope, async (tx) => {
          const model = modelOf(tx, table)
          // Even a data that would hand the rows to another tenant is turned into one's own.
          const moved = await model.updateMany({ data: { [column]: foreign.tenant.tenantId } })
          expect([table.name, moved.count]).toEqual([table.name, expected])
          expect(await model.count()).toBe(expected)
          expect((await model.deleteMany()).count).toBe(expected)
          const [left] = await tx.$queryRawUnsafe<{ n: number }[]>(everything)
          expect([table.name, left]).toEqual([table.name, before[0]])
          throw sentinel
        })
        .catch((error: unknown) => expect(error).toBe(sentinel))
    }
  })

  test("a row created in another tenant's name lands in one's own", async () => {
    const tenantId = foreign.tenant.tenantId
    const bot = (id: string) => ({ id, tenantId, name: "Smuggled" })
    await asOwn(async (tx) => {
      const expected = { tenantId: own.tenant.tenantId }
      expect(await tx.bot.create({ data: bot("bot_1") })).toMatchObject(expected)
      const [many] = await tx.bot.createManyAndReturn({ data: [bot("bot_2")] })
      expect(many).toMatchObject(expected)
      await tx.bot.createMany({ data: [bot("bot_3")] })
      expect(await tx.bot.findFirst({ where: { id: "bot_3" } })).toMatchObject(expected)
      const upserted = await tx.bot.upsert({
        where: { id: "bot_4" },
        create: bot("bot_4"),
        update: { tenantId },
      })
      expect(upserted).toMatchObject(expected)
      const again = await tx.bot.upsert({
        where: { tenantId_id: { tenantId: own.tenant.tenantId, id: "bot_4" } },
        create: bot("bot_4"),
        update: { tenantId, name: "Changed" },
      })
      expect(again).toMatchObject({ ...expected, name: "Changed" })
    })
  })

  test("an upsert on another tenant's key does not touch that row", async () => {
    const where = {
      tenantId_name_period: { tenantId: foreign.tenant.tenantId, name: "x", period: "2026-11-20" },
    }
    await admin.query(
      "insert into counters (tenant_id, name, period, used) values ($1, $2, $3, 7)",
      [foreign.tenant.tenantId, "x", "2026-11-20"],
    )
    const create = { tenantId: foreign.tenant.tenantId, name: "x", period: "2026-11-20", used: 1 }
    await database.withTenant(own.tenant.scope, (tx) =>
      tx.counter.upsert({ where, create, update: { used: 100 } }),
    )
    const { rows } = await admin.query(
      "select tenant_id, used from counters where name = 'x' order by used",
    )
    expect(rows).toEqual([
      { tenant_id: own.tenant.tenantId, used: 1 },
      { tenant_id: foreign.tenant.tenantId, used: 7 },
    ])
  })

  test("calls that run side by side keep their own tenant", async () => {
    const rounds = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? own : foreign))
    const seen = await Promise.all(
      rounds.map(({ tenant }) => database.withTenant(tenant.scope, (tx) => tx.bot.findMany())),
    )
    for (const [i, rows] of seen.entries())
      expect(new Set(rows.map((row) => row.tenantId))).toEqual(
        new Set([rounds[i]!.tenant.tenantId]),
      )
  })
})
