import { Client } from "pg"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { newId } from "#lib/ids.ts"
import { makeTenant } from "#prisma/factories.ts"
import { listTenantTables, type TenantTable } from "./catalog.fixture.ts"
import { callDefiner, disconnect, signSetting, withTenant } from "./database.ts"
import { type Household, makeHousehold } from "./household.fixture.ts"

// Wall 2 with wall 1 down: plain SQL without a `where`, on a connection of the app role's own. The tables
// come from the catalog, so a new one is tested from its first migration.

let app: Client
let admin: Client
let tables: TenantTable[]
let own: Household
let foreign: Household

beforeAll(async () => {
  app = new Client({ connectionString: env.DATABASE_URL ?? "" })
  await app.connect()
  const superuser = new URL(process.env.TEST_SUPERUSER_URL ?? "")
  superuser.pathname = new URL(env.DATABASE_URL ?? "").pathname
  admin = new Client({ connectionString: superuser.href })
  await admin.connect()
  own = await makeHousehold()
  foreign = await makeHousehold()
  tables = await listTenantTables(admin)
})

afterAll(async () => {
  await app.end()
  await admin.end()
  await disconnect()
})

type Setting = { tenantId: string; botId?: string; visitorId?: string; mac: string }

/** Runs `work` in a transaction of the app role that is rolled back; null leaves the setting alone. */
async function attempt<T>(setting: Setting | null, work: () => Promise<T>): Promise<T> {
  await app.query("begin")
  try {
    if (setting) {
      await app.query(
        `select set_config('app.tenant_id', $1, true), set_config('app.bot_id', $2, true),
          set_config('app.visitor_id', $3, true), set_config('tenant.mac', $4, true)`,
        [setting.tenantId, setting.botId ?? "", setting.visitorId ?? "", setting.mac],
      )
    }
    return await work()
  } finally {
    await app.query("rollback")
  }
}

/** What withTenant would set for this tenant. */
function proven(household: Household): Setting {
  const { tenantId } = household.tenant
  return { tenantId, mac: signSetting(tenantId, "", "") }
}

/** What withTenant would set for a visitor. */
function provenVisitor(household: Household, bot: number, visitor: number): Setting {
  const { tenantId } = household.tenant
  const { botId, visitorId } = household.bots[bot]!.visitors[visitor]!.scope.visitor
  return { tenantId, botId, visitorId, mac: signSetting(tenantId, botId, visitorId) }
}

/** The rows a statement touched, or "refused" when row security or a missing right stopped it. */
async function touch(sql: string, values: unknown[] = []): Promise<number | "refused"> {
  await app.query("savepoint s")
  try {
    return (await app.query(sql, values)).rowCount ?? 0
  } catch (error) {
    if ((error as { code?: string }).code !== "42501") throw error
    await app.query("rollback to savepoint s")
    return "refused"
  }
}

async function countRows(table: TenantTable, tenantId: string): Promise<number> {
  const sql = `select count(*)::int as n from public.${table.name} where ${table.tenantColumn} = $1`
  return (await admin.query<{ n: number }>(sql, [tenantId])).rows[0]!.n
}

/** Some row of a tenant as JSON, for building statements that a thief would. */
async function readRow(table: TenantTable, tenantId: string): Promise<Record<string, unknown>> {
  const { rows } = await admin.query<{ row: Record<string, unknown> }>(
    `select to_jsonb(t) as row from public.${table.name} t where ${table.tenantColumn} = $1
     order by ${table.primaryKey.join(", ")} limit 1`,
    [tenantId],
  )
  return rows[0]!.row
}

const insertSql = (table: TenantTable) =>
  `insert into public.${table.name} select * from jsonb_populate_record(null::public.${table.name}, $1)`

/** Every way to arrive without proof of a tenant. */
function unproven(): [string, Setting | null][] {
  const { tenantId } = foreign.tenant
  const mine = own.tenant.tenantId
  const visitor = provenVisitor(foreign, 0, 0)
  return [
    ["no setting", null],
    ["empty settings", { tenantId: "", mac: "" }],
    ["garbage", { tenantId: "' or true --", mac: "garbage" }],
    ["another tenant's id alone", { tenantId, mac: "" }],
    ["another tenant's id with one's own proof", { tenantId, mac: signSetting(mine, "", "") }],
    [
      "a proof with a guessed key",
      { tenantId, mac: signSetting(tenantId, "", "", Buffer.alloc(32)) },
    ],
    ["a cut proof", { tenantId, mac: signSetting(tenantId, "", "").slice(0, 63) }],
    ["a visitor's proof without the visitor", { tenantId, mac: visitor.mac }],
    ["a visitor's proof on another bot", { ...visitor, botId: foreign.bots[1]!.botId }],
    [
      "a tenant id that swallows the separator",
      { tenantId: `${tenantId}\x1f\x1f`, mac: signSetting(tenantId, "", "") },
    ],
  ]
}

test("the app role owns nothing, bypasses nothing and both tenants have rows in every table", async () => {
  const { rows } = await app.query(
    "select rolsuper, rolbypassrls from pg_roles where rolname = current_user",
  )
  expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false }])
  expect(tables.length).toBeGreaterThan(20)
  for (const table of tables) {
    expect([table.name, await countRows(table, own.tenant.tenantId)]).not.toContain(0)
    expect([table.name, await countRows(table, foreign.tenant.tenantId)]).not.toContain(0)
  }
})

test("X12 without proof of a tenant every table is empty and takes nothing", async () => {
  for (const [how, setting] of unproven()) {
    for (const table of tables) {
      const row = await readRow(table, foreign.tenant.tenantId)
      const column = table.primaryKey[0]!
      const outcome = await attempt(setting, async () => ({
        seen: await touch(`select 1 from public.${table.name}`),
        copied: await touch(`copy public.${table.name} to stdout`),
        updated: await touch(`update public.${table.name} set ${column} = ${column}`),
        deleted: await touch(`delete from public.${table.name}`),
        inserted: await touch(insertSql(table), [row]),
      }))
      const expected = { seen: 0, copied: 0, updated: 0, deleted: 0, inserted: "refused" }
      if (["audit_events", "usage_entries"].includes(table.name)) {
        Object.assign(expected, { updated: "refused", deleted: "refused" })
      }
      expect([how, table.name, outcome]).toEqual([how, table.name, expected])
    }
  }
})

test("X13 with one tenant proven, no statement sees, changes, moves, adds or removes another's rows", async () => {
  for (const table of tables) {
    const { name, tenantColumn } = table
    const mine = await countRows(table, own.tenant.tenantId)
    const theirs = await countRows(table, foreign.tenant.tenantId)
    const isAppendOnly = ["audit_events", "usage_entries"].includes(name)
    const row = await readRow(table, foreign.tenant.tenantId)
    const key = table.primaryKey.join(", ")
    await attempt(proven(own), async () => {
      const { rows } = await app.query(
        `select distinct ${tenantColumn} as tenant from public.${name}`,
      )
      expect([name, rows]).toEqual([name, [{ tenant: own.tenant.tenantId }]])
      expect(await touch(`select 1 from public.${name}`)).toBe(mine)
      const column = table.primaryKey[0]
      expect([name, await touch(`update public.${name} set ${column} = ${column}`)]).toEqual([
        name,
        isAppendOnly ? "refused" : mine,
      ])
      const move = `update public.${name} set ${tenantColumn} = $1`
      expect([name, await touch(move, [foreign.tenant.tenantId])]).toEqual([name, "refused"])
      expect([name, await touch(insertSql(table), [row])]).toEqual([name, "refused"])
      const overwrite = `${insertSql(table)} on conflict (${key}) do update set ${column} = excluded.${column}`
      expect([name, await touch(overwrite, [row])]).toEqual([name, "refused"])
      const merge = `merge into public.${name} t using (select 1) s on t.${column} is not null when matched then delete`
      expect([name, await touch(merge)]).toEqual([name, isAppendOnly ? "refused" : mine])
    })
    await attempt(proven(own), async () => {
      expect([name, (await app.query(`copy public.${name} to stdout`)).rowCount]).toEqual([
        name,
        mine,
      ])
      // Into a table with policies Postgres copies nothing at all.
      const copied = app.query(`copy public.${name} from stdin`)
      await expect(copied, name).rejects.toMatchObject({
        code: expect.stringMatching(/^(0A000|42501)$/),
      })
    })
    await attempt(proven(own), async () => {
      expect([name, await touch(`delete from public.${name}`)]).toEqual([
        name,
        isAppendOnly ? "refused" : mine,
      ])
    })
    expect([name, await countRows(table, foreign.tenant.tenantId)]).toEqual([name, theirs])
  }
})

test("changing the setting inside one statement opens nothing", async () => {
  const spoof = `set_config('app.tenant_id', '${foreign.tenant.tenantId}', true)`
  for (const { name, tenantColumn } of tables) {
    for (const sql of [
      `with s as materialized (select ${spoof}) select t.${tenantColumn} as tenant from s, public.${name} t`,
      `select t.${tenantColumn} as tenant from public.${name} t where ${spoof} is not null`,
      `select t.${tenantColumn} as tenant from (select ${spoof} as x offset 0) s cross join lateral
         (select * from public.${name} where s.x is not null) t`,
    ]) {
      const { rows } = await attempt(proven(own), () => app.query<{ tenant: string }>(sql))
      const foreignRows = rows.filter((row) => row.tenant !== own.tenant.tenantId)
      expect([name, foreignRows]).toEqual([name, []])
    }
    const later = await attempt(proven(own), async () => {
      await app.query(`select ${spoof}`)
      return touch(`select 1 from public.${name}`)
    })
    expect([name, later]).toEqual([name, 0])
  }
})

test("X03 a child under another tenant's parent is refused by every foreign key", async () => {
  const { rows: keys } = await admin.query<{
    constraint: string
    child: string
    parent: string
    column: string
    parentColumn: string
  }>(`
    select k.conname as constraint, k.conrelid::regclass::text as child, k.confrelid::regclass::text as parent,
      a.attname as column, b.attname as "parentColumn"
    from pg_constraint k
    cross join lateral generate_subscripts(k.conkey, 1) i
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[i]
    join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[i]
    where k.contype = 'f' and k.connamespace = 'public'::regnamespace and a.attname <> 'tenant_id'
      and exists (select from pg_attribute t where t.attrelid = k.confrelid and t.attname = 'tenant_id')`)
  expect(keys.length).toBeGreaterThan(15)
  // A source whose original is not there yet, so that only the foreign key can refuse to adopt it.
  await admin.query(
    "insert into sources (id, tenant_id, bot_id, kind, title) values ('0', $1, $2, 'text', '')",
    [foreign.tenant.tenantId, foreign.bots[0]!.botId],
  )
  for (const { constraint, child, parent, column, parentColumn } of keys) {
    const parentTable = tables.find((table) => table.name === parent)!
    const foreignParent = (await readRow(parentTable, foreign.tenant.tenantId))[parentColumn]
    const childTable = tables.find((table) => table.name === child)!
    const victim = await readRow(childTable, own.tenant.tenantId)
    const where = childTable.primaryKey.map((c, i) => `${c} = $${i + 2}`).join(" and ")
    const adopt = attempt(proven(own), async () => {
      // A deferred check would otherwise wait for a commit that never comes.
      await app.query("set constraints all immediate")
      await app.query(`update public.${child} set ${column} = $1 where ${where}`, [
        foreignParent,
        ...childTable.primaryKey.map((c) => victim[c]),
      ])
    })
    expect([constraint, await adopt.catch((error) => error.code)]).toEqual([constraint, "23503"])
  }
})

/** What a visitor has no business with, even inside their own tenant. */
const houseTables = [
  "blocked_networks",
  "closed_gap_messages",
  "closed_gaps",
  "crawls",
  "golden_questions",
  "held_readings",
  "quality_results",
  "quality_runs",
  "api_keys",
  "audit_events",
  "embed_key_origins",
  "embed_keys",
  "memberships",
  "refusals",
  "sites",
  "source_originals",
  "spent_tickets",
  "tenants",
  "usage_entries",
]

/** The tenant's own sums, which a message takes from. */
const sumTables = ["counters", "spend_counters", "spend_reservations"]

/** The tenant's own model: a turn asks it; its key is sealed, and no visitor changes it. */
const modelTables = ["tenant_models"]

describe("a visitor", () => {
  test("sees their own rows, their bot's knowledge and nothing of the house, on every table", async () => {
    const setting = provenVisitor(own, 0, 0)
    await attempt(setting, async () => {
      for (const { name, columns } of tables) {
        const { rows } = await app.query<Record<string, string>>(`select * from public.${name}`)
        if (houseTables.includes(name)) {
          expect([name, rows]).toEqual([name, []])
          continue
        }
        expect([name, rows.length]).not.toContain(0)
        const rowsOf = (column: string) => [...new Set(rows.map((row) => row[column]))]
        if (sumTables.includes(name) || modelTables.includes(name)) continue
        const isTied = ["visitor_id", "bot_id"].some((c) => columns.includes(c))
        expect([name, isTied || ["bots", "visitors"].includes(name)]).toEqual([name, true])
        if (columns.includes("visitor_id"))
          expect([name, rowsOf("visitor_id")]).toEqual([name, [setting.visitorId]])
        if (columns.includes("bot_id"))
          expect([name, rowsOf("bot_id")]).toEqual([name, [setting.botId]])
        if (name === "bots") expect(rowsOf("id")).toEqual([setting.botId])
        if (name === "visitors") expect(rowsOf("id")).toEqual([setting.visitorId])
      }
    })
  })

  test("writes their own rows at most, whatever the statement forgets", async () => {
    const theirs = ["conversations", "messages", "leads", "sessions", "visitors", "tool_calls"]
    const writable = [...theirs, ...sumTables]
    for (const { name, primaryKey } of tables) {
      const column = primaryKey[0]
      const outcome = await attempt(provenVisitor(own, 0, 0), async () => ({
        updated: await touch(`update public.${name} set ${column} = ${column}`),
        deleted: await touch(`delete from public.${name}`),
      }))
      if (writable.includes(name)) {
        const mine = name === "messages" ? 2 : 1
        const updated = sumTables.includes(name) ? expect.any(Number) : mine
        expect([name, outcome]).toEqual([name, { updated, deleted: expect.any(Number) }])
      } else {
        const none = (n: number | "refused") => n === 0 || n === "refused"
        expect([name, none(outcome.updated), none(outcome.deleted)]).toEqual([name, true, true])
      }
    }
  })

  test("adds no row for another visitor, another bot or the house", async () => {
    const other = own.bots[0]!.visitors[1]!.scope.visitor.visitorId
    const refused = ["conversations", "messages", "leads", "sessions", "visitors", "tool_calls"]
    for (const table of tables.filter(({ name }) => refused.includes(name))) {
      const column = table.name === "visitors" ? "id" : "visitor_id"
      const { rows } = await admin.query(
        `select to_jsonb(t) as row from public.${table.name} t where ${column} = $1 limit 1`,
        [other],
      )
      const row = { ...rows[0].row, id: newId("message") }
      const outcome = await attempt(provenVisitor(own, 0, 0), () => touch(insertSql(table), [row]))
      expect([table.name, outcome]).toEqual([table.name, "refused"])
    }
    const house = [
      ...houseTables,
      "bots",
      "sources",
      "chunks",
      "bot_terms",
      "bot_corpora",
      "embed_key_bots",
      "embed_key_tools",
      "tools",
    ]
    // These two take a visitor's charge and their line in the log, and never show it.
    const appended = ["usage_entries", "audit_events"]
    for (const table of tables.filter(
      ({ name }) => house.includes(name) && !appended.includes(name),
    )) {
      const row = await readRow(table, own.tenant.tenantId)
      const outcome = await attempt(provenVisitor(own, 0, 0), () => touch(insertSql(table), [row]))
      expect([table.name, outcome]).toEqual([table.name, "refused"])
    }
  })

  test("finds their own bot's chunks through the search function and no other's", async () => {
    const search = (botId: string) =>
      app.query(
        "select id from search.find_candidates($1, plainto_tsquery('simple', 'secret'), array['secret'], 50)",
        [botId],
      )
    const [ownBot, otherBot] = own.bots.map((bot) => bot.botId) as [string, string]
    const { rows: chunks } = await admin.query("select id from chunks where bot_id = $1", [ownBot])
    const setting = provenVisitor(own, 0, 0)
    expect((await attempt(setting, () => search(ownBot))).rows.length).toBe(chunks.length)
    expect((await attempt(setting, () => search(otherBot))).rows).toEqual([])
    expect((await attempt(setting, () => search(foreign.bots[0]!.botId))).rows).toEqual([])
    expect((await attempt(null, () => search(ownBot))).rows).toEqual([])
    expect((await attempt(proven(foreign), () => search(ownBot))).rows).toEqual([])
  })
})

describe("the definer functions", () => {
  test("list the members of the proven tenant only, and to no visitor", async () => {
    const sql = "select user_id from directory.list_members()"
    const members = await attempt(proven(own), () => app.query(sql))
    expect(members.rows).toEqual([{ user_id: own.tenant.userId }])
    expect((await attempt(null, () => app.query(sql))).rows).toEqual([])
    expect((await attempt(provenVisitor(own, 0, 0), () => app.query(sql))).rows).toEqual([])
  })
})

describe("the connection", () => {
  const readSettings = () =>
    callDefiner<{ pid: number; tenant: string | null; mac: string | null; proven: string | null }>(
      "read_settings",
      `select pg_backend_pid() as pid, nullif(current_setting('app.tenant_id', true), '') as tenant,
        nullif(current_setting('tenant.mac', true), '') as mac, sec.current_tenant() as proven`,
      [],
    )
  const pidOf = (household: Household) =>
    withTenant(household.tenant.scope, async (tx) => {
      const [row] = await tx.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`
      return row!.pid
    })

  test("carries no tenant to its next borrower, after success or failure", async () => {
    await disconnect()
    const pid = await pidOf(own)
    expect(await readSettings()).toEqual([{ pid, tenant: null, mac: null, proven: null }])
    await withTenant(own.tenant.scope, () => Promise.reject(new Error("on purpose"))).catch(
      () => {},
    )
    expect(await readSettings()).toEqual([{ pid, tenant: null, mac: null, proven: null }])
    await withTenant(own.tenant.scope, (tx) => tx.$queryRaw`select 1 / 0`).catch(() => {})
    expect(await readSettings()).toEqual([{ pid, tenant: null, mac: null, proven: null }])
    const rows = await callDefiner("count_bots", "select * from public.bots", [])
    expect(rows).toEqual([])
  })

  test("serves 2,000 calls of two tenants, mixed, with not one foreign row", async () => {
    const households = [own, foreign]
    let calls = 0
    const run = async (lane: number) => {
      for (let i = 0; i < 200; i++) {
        const household = households[(lane + i) % 2]!
        const rows = await withTenant(
          household.tenant.scope,
          // No `where`: raw SQL, past the extension.
          (tx) =>
            tx.$queryRaw<{ tenant: string }[]>`select tenant_id as tenant from public.messages`,
        )
        const isOwn = rows.every((row) => row.tenant === household.tenant.tenantId)
        if (!isOwn || rows.length !== 8) throw new Error(`lane ${lane}, call ${i}: foreign rows`)
        calls++
      }
    }
    await Promise.all(Array.from({ length: 10 }, (_, lane) => run(lane)))
    expect(calls).toBe(2_000)
  }, 60_000)
})

test("deleting a tenant leaves no row of it in any table, and every other tenant's", async () => {
  const doomed = await makeHousehold()
  const { deleteTenant } = await import("#lib/operator/commands.ts")
  await deleteTenant(doomed.tenant.tenantId, "192.0.2.1")
  for (const table of tables) {
    expect([table.name, await countRows(table, doomed.tenant.tenantId)]).toEqual([table.name, 0])
    expect([table.name, await countRows(table, own.tenant.tenantId)]).not.toContain(0)
  }
  const bystander = await makeTenant()
  expect(bystander.tenantId).not.toBe(doomed.tenant.tenantId)
})
