import { createHash, randomUUID } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Client } from "pg"
import { settingKeyBytes } from "#lib/secrets.ts"
import { withClient } from "./database-roles.ts"
import { installQueues } from "./queues.ts"

/** Prisma takes this very lock, so its CLI and this runner never migrate at the same time. */
const prismaLock = 72707369

const defaultFolder = join(import.meta.dirname, "..", "prisma", "migrations")

export type MigrateOptions = {
  /** The role that DATABASE_URL signs in as; it becomes a member of `app` when it has another name. */
  appRole: string
  /** TENANT_SETTING_KEY as it stands in the environment; null leaves the stored key alone. */
  tenantSettingKey: string | null
  folder?: string
}

type Migration = { name: string; sql: string; checksum: string }

/**
 * Brings the database at `ownerUrl` up to date and returns the names of the migrations it applied.
 *
 * Each migration is one transaction together with its row in `_prisma_migrations`, so none is ever
 * half there. Throws, changing nothing, when an applied one was edited since or is half-applied by
 * another tool.
 */
export async function migrate(ownerUrl: string, options: MigrateOptions): Promise<string[]> {
  return withClient(ownerUrl, async (client) => {
    await client.query("select pg_advisory_lock($1)", [prismaLock])
    try {
      const applied = await applyMigrations(client, options.folder ?? defaultFolder)
      await installQueues(client)
      await admitAppRole(client, options.appRole)
      if (options.tenantSettingKey) await installSettingKey(client, options.tenantSettingKey)
      return applied
    } finally {
      await client.query("select pg_advisory_unlock($1)", [prismaLock]).catch(() => {})
    }
  })
}

/** The names of the migrations that the database lacks; throws like `migrate` where history is off. */
export async function listPending(ownerUrl: string, folder = defaultFolder): Promise<string[]> {
  return withClient(ownerUrl, async (client) => {
    const found = await client.query("select to_regclass('public._prisma_migrations') as history")
    const known = found.rows[0].history ? await readHistory(client) : new Map<string, string>()
    const migrations = readMigrations(folder)
    refuseChangedHistory(migrations, known)
    return migrations.filter(({ name }) => !known.has(name)).map(({ name }) => name)
  })
}

async function applyMigrations(client: Client, folder: string): Promise<string[]> {
  await client.query(historyTable)
  const migrations = readMigrations(folder)
  const known = await readHistory(client)
  refuseChangedHistory(migrations, known)
  const pending = migrations.filter((migration) => !known.has(migration.name))
  for (const migration of pending) await applyMigration(client, migration)
  return pending.map((migration) => migration.name)
}

const historyTable = `
  create table if not exists public._prisma_migrations (
    id varchar(36) primary key not null,
    checksum varchar(64) not null,
    finished_at timestamptz,
    migration_name varchar(255) not null,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz not null default now(),
    applied_steps_count integer not null default 0
  )`

function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).filter((name) =>
    existsSync(join(folder, name, "migration.sql")),
  )
  return names.sort().map((name) => {
    const bytes = readFileSync(join(folder, name, "migration.sql"))
    const checksum = createHash("sha256").update(bytes).digest("hex")
    return { name, sql: bytes.toString("utf8"), checksum }
  })
}

async function readHistory(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; checksum: string; isFinished: boolean }>(`
    select migration_name as name, checksum, finished_at is not null as "isFinished"
    from public._prisma_migrations where rolled_back_at is null order by started_at`)
  const unfinished = rows.find((row) => !row.isFinished)
  if (unfinished)
    throw new Error(
      `Migration ${unfinished.name} was begun by another tool and never finished. Repair it by hand, then mark it with "prisma migrate resolve".`,
    )
  return new Map(rows.map((row) => [row.name, row.checksum]))
}

function refuseChangedHistory(migrations: Migration[], known: Map<string, string>): void {
  for (const migration of migrations) {
    const checksum = known.get(migration.name)
    if (checksum !== undefined && checksum !== migration.checksum)
      throw new Error(
        `Migration ${migration.name} was changed after it was applied here. Put it back and write a new one.`,
      )
  }
  const ours = new Set(migrations.map((migration) => migration.name))
  const newer = [...known.keys()].filter((name) => !ours.has(name))
  if (newer.length > 0)
    throw new Error(
      `The database was migrated by a newer release (${newer.join(", ")}). Start that release.`,
    )
}

async function applyMigration(client: Client, migration: Migration): Promise<void> {
  try {
    await client.query("begin")
    const before = await client.query("select pg_current_xact_id()::text as id")
    await client.query(migration.sql)
    const after = await client.query("select pg_current_xact_id()::text as id")
    if (before.rows[0].id !== after.rows[0].id)
      throw new Error("it ends the transaction it runs in; leave BEGIN and COMMIT out")
    // What a migration set for itself must not colour the next one.
    await client.query("reset role; reset all")
    await client.query(
      `insert into public._prisma_migrations
         (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       values ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), migration.checksum, migration.name],
    )
    await client.query("commit")
  } catch (error) {
    await client.query("rollback").catch(() => {})
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Migration ${migration.name} failed and was undone: ${reason}`, {
      cause: error,
    })
  }
}

/**
 * Policies and grants name `app`. A hosting service that hands out logins under names of its own gets
 * the same rights by membership. TEMP goes: a temporary table can stand in front of a real one.
 */
async function admitAppRole(client: Client, appRole: string): Promise<void> {
  const { rows } = await client.query<{ database: string; ownsDatabase: boolean }>(`
    select current_database() as database,
      pg_has_role(datdba, 'usage') as "ownsDatabase"
    from pg_database where datname = current_database()`)
  const name = client.escapeIdentifier(rows[0]?.database ?? "")
  if (rows[0]?.ownsDatabase) await client.query(`revoke temporary on database ${name} from public`)
  if (appRole === "app") return
  const known = await client.query("select 1 from pg_roles where rolname = 'app'")
  if (known.rowCount === 0) return
  const member = await client.query("select pg_has_role($1, 'app', 'member') as yes", [appRole])
  if (!member.rows[0].yes) await client.query(`grant app to ${client.escapeIdentifier(appRole)}`)
}

async function installSettingKey(client: Client, tenantSettingKey: string): Promise<void> {
  const found = await client.query(
    "select to_regprocedure('sec.install_setting_key(text)') is not null as yes",
  )
  if (!found.rows[0].yes) return
  const key = settingKeyBytes(tenantSettingKey).toString("hex")
  await client.query("select sec.install_setting_key($1)", [key])
}

/** The role in a connection string: what migrate() calls `appRole`. */
export function readRole(databaseUrl: string): string {
  return decodeURIComponent(new URL(databaseUrl).username)
}

async function main(): Promise<void> {
  const { prepareDatabase } = await import("./environment.ts")
  const database = await prepareDatabase()
  console.log(
    database.applied.length > 0
      ? `Applied ${database.applied.join(", ")}.`
      : "The database is up to date.",
  )
  await database.stop()
}

if (import.meta.main) {
  main().catch((error) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}
