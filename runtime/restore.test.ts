import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Client } from "pg"
import { afterAll, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { makeHousehold } from "#lib/tenancy/household.fixture.ts"
import { type PreparedEnvironment, prepareEnvironment } from "./environment.ts"

// The backup that README describes, started somewhere else.

const matrix = readFileSync(join(import.meta.dirname, "../prisma/rls-matrix.sql"), "utf8")
const folders: string[] = []
const running: PreparedEnvironment[] = []

afterAll(async () => {
  await disconnect()
  for (const one of running) await one.stop()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-restore-"))
  chmodSync(folder, 0o711)
  folders.push(folder)
  return folder
}

async function start(dataDir: string): Promise<PreparedEnvironment> {
  const prepared = await prepareEnvironment({ dataDir })
  running.push(prepared)
  return prepared
}

async function withSuperuser<T>(
  { superuserUrl }: PreparedEnvironment,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: superuserUrl.replace(/[^/]+$/, "coatcheck") })
  await client.connect()
  return work(client).finally(() => client.end())
}

/** Every row of every table, every right, every policy, and whether each table's row security is forced. */
async function readWhole(client: Client): Promise<Record<string, unknown>> {
  const { rows: tables } = await client.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence = 'p' and n.nspname in ('public', 'sec', 'limits')
    order by 1`)
  const whole: Record<string, unknown> = {}
  for (const { name } of tables) {
    const { rows } = await client.query(
      `select count(*)::int, md5(coalesce(string_agg(t::text, e'\\n' order by t::text), '')) from ${name} t`,
    )
    whole[name] = rows[0]
  }
  const facts = {
    rights: `select c.oid::regclass::text as name, c.relowner::regrole::text as owner, c.relacl::text,
      c.relrowsecurity, c.relforcerowsecurity from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'sec', 'limits', 'directory', 'search') order by 1`,
    policies: "select * from pg_policies order by schemaname, tablename, policyname",
    functions: `select p.oid::regprocedure::text as name, p.proowner::regrole::text as owner, p.proacl::text,
      p.prosecdef, md5(p.prosrc) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname in ('public', 'sec', 'limits', 'directory', 'search') order by 1`,
    roles: `select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole from pg_roles order by 1`,
  }
  for (const [name, sql] of Object.entries(facts)) whole[name] = (await client.query(sql)).rows
  return whole
}

test("C13 a copy of the data folder is the same database elsewhere: rows, rights, forced row security", async () => {
  const from = makeFolder()
  const original = await start(from)
  Object.assign(env, original.env)
  const { tenant } = await makeHousehold()
  await makeHousehold()

  const before = await withSuperuser(original, readWhole)
  await disconnect()
  await original.stop()
  const to = join(makeFolder(), "restored")
  // Owners and modes come along.
  expect(spawnSync("cp", ["-a", from, to]).status).toBe(0)

  const restored = await start(to)
  expect(await withSuperuser(restored, readWhole)).toEqual(before)
  expect(Object.keys(before).length).toBeGreaterThan(25)
  const findings = await withSuperuser(restored, (client) => client.query(matrix))
  expect(findings.rows).toEqual([])
  // And the product works on it, with the secrets that came along.
  Object.assign(env, restored.env)
  const bots = await withTenant(tenant.scope, (tx) => tx.bot.findMany())
  expect(bots.length).toBeGreaterThanOrEqual(2)
  expect(new Set(bots.map(({ tenantId }) => tenantId))).toEqual(new Set([tenant.tenantId]))
}, 120_000)
