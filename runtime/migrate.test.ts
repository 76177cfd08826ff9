import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Client } from "pg"
import { PgBoss } from "pg-boss"
import { afterEach, beforeEach, expect, test } from "vitest"
import { createBot } from "#lib/bots/commands.ts"
import { getBot } from "#lib/bots/queries.ts"
import { env } from "#lib/env.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { makeTenant } from "#prisma/factories.ts"
import { withClient } from "./database-roles.ts"
import { migrate, readRole } from "./migrate.ts"
import { queueSchema } from "./queues.ts"
import { type ClonedDatabase, cloneDatabase } from "./test-database.ts"

let database: ClonedDatabase
let folder: string
const options = () => ({ appRole: "app", tenantSettingKey: null, folder })

beforeEach(async () => {
  database = await cloneDatabase()
  folder = mkdtempSync(join(tmpdir(), "coatcheck-migrations-"))
  // The history of the real migrations would count as a newer release's.
  await asOwner((client) => client.query("delete from public._prisma_migrations"))
})
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true })
  await database.drop()
})

function asOwner<T>(work: (client: Client) => Promise<T>): Promise<T> {
  return withClient(database.ownerUrl, work)
}

function write(name: string, sql: string): void {
  mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, name, "migration.sql"), sql)
}

async function hasTable(name: string): Promise<boolean> {
  const { rows } = await asOwner((client) =>
    client.query("select to_regclass($1) is not null as yes", [name]),
  )
  return rows[0].yes
}

test("applies migrations once, in the order of their names, and records them as Prisma does", async () => {
  write("2_second", "alter table first add column more int;")
  write("1_first", "create table first (id int);")
  expect(await migrate(database.ownerUrl, options())).toEqual(["1_first", "2_second"])
  expect(await migrate(database.ownerUrl, options())).toEqual([])
  const { rows } = await asOwner((client) =>
    client.query("select * from public._prisma_migrations order by migration_name"),
  )
  const sql = "create table first (id int);"
  expect(rows[0]).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    checksum: createHash("sha256").update(sql).digest("hex"),
    migration_name: "1_first",
    started_at: expect.any(Date),
    finished_at: expect.any(Date),
    logs: null,
    rolled_back_at: null,
    applied_steps_count: 1,
  })
})

test("refuses, changing nothing, when an applied migration was edited", async () => {
  write("1_first", "create table first (id int);")
  await migrate(database.ownerUrl, options())
  write("1_first", "create table first (id bigint);")
  write("2_second", "create table second (id int);")
  await expect(migrate(database.ownerUrl, options())).rejects.toThrow(
    /1_first was changed after it was applied/,
  )
  expect(await hasTable("second")).toBe(false)
})

test("refuses when another tool left a migration half-applied", async () => {
  write("1_first", "create table first (id int);")
  await asOwner((client) =>
    client.query(
      "insert into public._prisma_migrations (id, checksum, migration_name) values ('x', 'y', '1_first')",
    ),
  )
  await expect(migrate(database.ownerUrl, options())).rejects.toThrow(/1_first was begun/)
  expect(await hasTable("first")).toBe(false)
})

test("refuses a database that a newer release migrated", async () => {
  write("1_first", "select 1;")
  write("2_second", "select 1;")
  await migrate(database.ownerUrl, options())
  rmSync(join(folder, "2_second"), { recursive: true })
  await expect(migrate(database.ownerUrl, options())).rejects.toThrow(/newer release \(2_second\)/)
})

test("C12 a migration that fails leaves nothing behind and is tried again", async () => {
  write("1_first", "create table first (id int); select 1 / 0;")
  await expect(migrate(database.ownerUrl, options())).rejects.toThrow(/division by zero/)
  expect(await hasTable("first")).toBe(false)
  write("1_first", "create table first (id int);")
  expect(await migrate(database.ownerUrl, options())).toEqual(["1_first"])
})

const newTable = `
  create table public.added (
    id text primary key,
    tenant_id text not null references public.tenants (id) on delete cascade,
    unique (tenant_id, id)
  );
  select pg_sleep(0.5);
  alter table public.added enable row level security;
  alter table public.added force row level security;
  create policy tenant on public.added to app using (tenant_id = (select sec.current_tenant()))
    with check (tenant_id = (select sec.current_tenant()));
  grant select, insert, update, delete on public.added to app;
  alter table public.bots add column note text;`

test("C12 while a migration runs and one fails half-way, the server goes on reading and writing, and a new table is walled from its first moment", async () => {
  env.DATABASE_URL = database.appUrl
  const tenant = await makeTenant()
  let isOver = false
  let acts = 0
  const serving = (async () => {
    for (; !isOver; acts++) {
      const bot = await createBot(tenant.scope, { name: `Bot ${acts}` })
      await getBot(tenant.scope, bot.id)
    }
  })()
  const seen = new Set<string>()
  const watching = withClient(database.appUrl, async (client) => {
    while (!isOver) {
      const { rows } = await client.query(
        `select relrowsecurity and relforcerowsecurity as is_walled,
          (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies
         from pg_class c where c.relname = 'added' and c.relkind = 'r'`,
      )
      seen.add(rows[0] ? `walled ${rows[0].is_walled}, policies ${rows[0].policies}` : "not there")
    }
  })
  write("1_added", newTable)
  write(
    "2_broken",
    "create table public.half (id int); alter table public.bots add column no int; select 1 / 0;",
  )
  await expect(migrate(database.ownerUrl, options())).rejects.toThrow(/division by zero/)
  expect([await hasTable("public.added"), await hasTable("public.half")]).toEqual([true, false])
  const before = acts
  await expect.poll(() => acts).toBeGreaterThan(before)
  isOver = true
  await Promise.all([serving, watching])
  await disconnect()
  expect([...seen].sort()).toEqual(["not there", "walled true, policies 1"])
})

test("a migration that ends its own transaction is refused", async () => {
  write("1_first", "create table first (id int); commit; begin;")
  await expect(migrate(database.ownerUrl, options())).rejects.toThrow(/ends the transaction/)
})

test("settings of one migration do not reach the next", async () => {
  write("1_first", "create schema elsewhere; set search_path = elsewhere;")
  write("2_second", "create table second (id int);")
  await migrate(database.ownerUrl, options())
  expect(await hasTable("public.second")).toBe(true)
})

test("two migrators at once apply each migration once", async () => {
  write("1_first", "create table first (id int); select pg_sleep(0.2);")
  const results = await Promise.all([
    migrate(database.ownerUrl, options()),
    migrate(database.ownerUrl, options()),
  ])
  expect(results.flat()).toEqual(["1_first"])
})

test("a login of another name becomes a member of app, and only that", async () => {
  const name = `login_${process.pid}`
  await withClient(database.superuserUrl, (client) => client.query(`create role ${name} login`))
  // On a server of its own, the owner is who made app and may hand it on.
  await withClient(database.superuserUrl, (client) =>
    client.query("grant app to owner with admin option"),
  )
  try {
    await migrate(database.ownerUrl, { ...options(), appRole: name })
    const { rows } = await asOwner((client) =>
      client.query(
        `select r.rolname as role from pg_auth_members m join pg_roles r on r.oid = m.roleid
         where m.member = $1::regrole`,
        [name],
      ),
    )
    expect(rows).toEqual([{ role: "app" }])
  } finally {
    await withClient(database.superuserUrl, (client) =>
      client.query(`revoke app from owner cascade; drop role ${name}`),
    )
  }
})

test("the app role runs jobs in the queue that the owner made, without any CREATE", async () => {
  await migrate(database.ownerUrl, options())
  const boss = new PgBoss({
    connectionString: database.appUrl,
    schema: queueSchema,
    migrate: false,
    useListenNotify: true,
  })
  const problems: unknown[] = []
  boss.on("error", (error) => problems.push(error))
  await boss.start()
  try {
    const done = new Promise((resolve) => {
      void boss.work("ingest", async ([job]) => resolve(job?.data))
    })
    await boss.send("ingest", { sourceId: "src_1" })
    expect(await done).toEqual({ sourceId: "src_1" })
    await boss.supervise()
    await expect(boss.createQueue("another", { partition: true })).rejects.toThrow(
      /permission denied/,
    )
  } finally {
    await boss.stop({ graceful: false })
  }
  expect(problems).toEqual([])
})

test("the role is the one that the address names", () => {
  expect(readRole("postgresql://web%40eu:secret@db.example.com:5432/coatcheck")).toBe("web@eu")
})
