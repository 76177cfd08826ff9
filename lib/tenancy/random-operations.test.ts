import { randomInt } from "node:crypto"
import { Client } from "pg"
import { afterAll, beforeAll, expect, test } from "vitest"
import { rounds } from "#e2e/attack/rounds.ts"
import { env } from "#lib/env.ts"
import { listTenantTables, type TenantTable } from "./catalog.fixture.ts"
import { disconnect, signSetting } from "./database.ts"
import { type Household, makeHousehold } from "./household.fixture.ts"

// Wall 2 under random statements: no `where`, another tenant's ids, moved rows, spoofed settings. Every row
// that comes back has to be one's own. Everything is rolled back.

const perTransaction = 50
const lanes = rounds(1, 3)
const longestMs = rounds(60_000, 570_000)

let admin: Client
let tables: TenantTable[]
const households: Household[] = []
let ids: Map<string, Map<string, string[]>>

beforeAll(async () => {
  const superuser = new URL(process.env.TEST_SUPERUSER_URL ?? "")
  superuser.pathname = new URL(env.DATABASE_URL ?? "").pathname
  admin = new Client({ connectionString: superuser.href })
  await admin.connect()
  tables = await listTenantTables(admin)
  // A pair for each lane: lanes that wrote to one tenant's rows would only wait for each other.
  for (let i = 0; i < 2 * lanes; i++) households.push(await makeHousehold())
  // The ids that a thief would have learned: of every row of both.
  ids = new Map()
  for (const { tenant } of households) {
    const known = new Map<string, string[]>()
    for (const { name, tenantColumn, primaryKey } of tables) {
      const { rows } = await admin.query<{ id: string }>(
        `select ${primaryKey.at(-1)}::text as id from public.${name} where ${tenantColumn} = $1 limit 20`,
        [tenant.tenantId],
      )
      known.set(
        name,
        rows.map(({ id }) => id),
      )
    }
    ids.set(tenant.tenantId, known)
  }
}, 120_000)

afterAll(async () => {
  await admin.end()
  await disconnect()
})

const pick = <T>(all: readonly T[]): T => all[randomInt(all.length)]!
const quote = (text: string) => `'${text.replaceAll("'", "''")}'`

/** One statement as a careless or hostile caller would write it; it answers with rows that name their tenant. */
function write(own: string, foreign: string): string {
  const { name, tenantColumn, primaryKey } = pick(tables)
  const key = primaryKey.at(-1)!
  const id = quote(pick(ids.get(pick([own, foreign]))!.get(name)!))
  const from = `from public.${name} t`
  const tenant = `t.${tenantColumn} as tenant`
  const isAppendOnly = ["audit_events", "usage_entries"].includes(name)
  const reads = [
    `select ${tenant} ${from}`,
    `select ${tenant} ${from} where t.${key}::text = ${id}`,
    `select ${tenant} ${from} where t.${tenantColumn} = ${quote(foreign)}`,
    `select ${tenant} ${from} where t.${key}::text = ${id} or true`,
    `select ${tenant} ${from} where set_config('app.bot_id', '', true) is null or true`,
    `select max(t.${tenantColumn}) as tenant ${from} having count(*) > 0`,
    `select ${tenant} ${from} join public.${pick(tables).name} o on true limit 50`,
    `with s as materialized (select ${quote(foreign)} as x) select ${tenant} from s, public.${name} t`,
  ]
  const writes = isAppendOnly
    ? []
    : [
        `update public.${name} t set ${key} = t.${key} where t.${key}::text = ${id} returning ${tenant}`,
        `update public.${name} t set ${key} = t.${key} where t.${tenantColumn} = ${quote(foreign)} returning ${tenant}`,
        `delete ${from} where t.${tenantColumn} = ${quote(foreign)} returning ${tenant}`,
      ]
  return pick([...reads, ...writes])
}

test("X13 random statements of two tenants on many connections meet 0 foreign rows", {
  timeout: longestMs + 60_000,
}, async () => {
  const total = rounds(10_000, 1_000_000)
  const startedAt = Date.now()
  const digest = async ({ tenant }: Household) => {
    const sums = tables.map(
      ({ name, tenantColumn }) =>
        `select ${quote(name)} as name, count(*) as n, md5(string_agg(t::text, '' order by t::text)) as sum
           from public.${name} t where ${tenantColumn} = ${quote(tenant.tenantId)}`,
    )
    return (await admin.query(sums.join(" union all "))).rows
  }
  const before = await Promise.all(households.map(digest))
  let operations = 0
  let ownRows = 0
  let refused = 0
  const foreignRows: string[] = []
  const lane = async (number: number) => {
    const app = new Client({ connectionString: env.DATABASE_URL ?? "" })
    await app.connect()
    for (let i = 0; operations < total && Date.now() - startedAt < longestMs; i++) {
      const pair = households.slice(2 * number, 2 * number + 2)
      const [own, foreign] = (i % 2 === 0 ? pair : pair.toReversed()).map(
        ({ tenant }) => tenant.tenantId,
      ) as [string, string]
      const statements = Array.from({ length: perTransaction }, () => write(own, foreign))
      // A visitor's rows are fewer still; every tenth transaction proves nothing at all.
      const mac = i % 10 === 9 ? "" : signSetting(own, "", "")
      const opening = `begin; select set_config('app.tenant_id', ${quote(own)}, true),
          set_config('app.bot_id', '', true), set_config('app.visitor_id', '', true),
          set_config('tenant.mac', ${quote(mac)}, true)`
      try {
        // As an array: one answer for each statement of the text.
        const answers = (await app.query(
          `${opening}; ${statements.join("; ")}; rollback`,
        )) as unknown as { rows: { tenant: string }[] }[]
        for (const [at, { rows }] of answers.slice(2, -1).entries()) {
          operations += 1
          ownRows += rows.length
          for (const { tenant } of rows)
            if (tenant !== own || mac === "") foreignRows.push(`${statements[at]} → ${tenant}`)
        }
      } catch (error) {
        // No right to it, or a foreign key that stood in the way: nothing came back at all.
        const { code } = error as { code?: string }
        if (!["42501", "23503"].includes(code ?? "")) throw error
        refused += 1
        operations += 1
        await app.query("rollback")
      }
      // And one that takes a foreign row as its own, or gives its own away.
      const table = pick(tables)
      const grab = pick([
        `insert into public.${table.name} select * from public.${table.name} where ${table.tenantColumn} = ${quote(foreign)} returning ${table.tenantColumn} as tenant`,
        `update public.${table.name} set ${table.tenantColumn} = ${quote(foreign)} returning ${table.tenantColumn} as tenant`,
      ])
      try {
        const answers = (await app.query(`${opening}; ${grab}; rollback`)) as unknown as {
          rows: { tenant: string }[]
        }[]
        for (const { tenant } of answers[2]!.rows)
          if (tenant !== own) foreignRows.push(`${grab} → ${tenant}`)
      } catch {
        refused += 1
        await app.query("rollback")
      }
      operations += 1
    }
    await app.end()
  }
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  console.info(
    `${operations} random operations in ${seconds} s: ${foreignRows.length} foreign rows, ${ownRows} own, ${refused} refused`,
  )
  expect(foreignRows).toEqual([])
  expect(ownRows).toBeGreaterThan(operations / 10)
  expect(operations).toBeGreaterThan(rounds(2_000, 200_000))
  expect(await Promise.all(households.map(digest))).toEqual(before)
})
