import { createHash } from "node:crypto"
import { PrismaPg } from "@prisma/adapter-pg"
import pg from "pg"
import { env } from "#lib/env.ts"
import { settingKeyBytes } from "#lib/secrets.ts"
import { PrismaClient } from "./prisma/client.ts"
import type { TenantScope } from "./scope.ts"

// Guarantees: the only importer of the Prisma client and of pg. Tenant rows are reached through
// withTenant alone, where wall 1 (the extension below) adds the tenant to every model operation and
// wall 2 (row-level security) admits only rows of the tenant whose signed setting opens the
// transaction.

type Connections = { pool: pg.Pool; watch: pg.Pool; prisma: PrismaClient; isPooled: boolean }

// Pages and route handlers may hold separate copies of a module: one pool a process all the same.
const shared = globalThis as typeof globalThis & { coatcheckConnections?: Connections }

/** The server itself ends what takes 15 s; this ends what a server that no longer speaks would never end. */
const queryTimeoutMs = 17_000

/**
 * Behind a transaction pooler each transaction may meet another server connection: nothing may be left on one,
 * neither a prepared statement nor a start-up setting nor a lock. Prisma's own name for it.
 */
export function isBehindPooler(): boolean {
  return new URL(env.DATABASE_URL ?? "").searchParams.get("pgbouncer") === "true"
}

function connect(): Connections {
  if (!env.DATABASE_URL)
    throw new Error("DATABASE_URL is not set; start through npm start or npm run dev")
  const isPooled = isBehindPooler()
  const settings = {
    connectionString: env.DATABASE_URL,
    // A caller hears "unavailable" within two seconds when all connections are busy.
    connectionTimeoutMillis: 1_500,
    idleTimeoutMillis: 30_000,
    query_timeout: queryTimeoutMs,
    application_name: "coatcheck",
    ...(isPooled ? {} : { statement_timeout: 15_000 }),
  }
  const pool = new pg.Pool({ ...settings, max: env.DATABASE_POOL_SIZE })
  // A burst of callers must not look like a database that is away to those whose answers are being written.
  const watch = new pg.Pool({ ...settings, max: 1 })
  // A connection that dies while idle is replaced; without a listener it would end the process.
  for (const each of [pool, watch]) each.on("error", () => {})
  return { pool, watch, isPooled, prisma: new PrismaClient({ adapter: new PrismaPg(pool) }) }
}

function connections(): Connections {
  shared.coatcheckConnections ??= connect()
  return shared.coatcheckConnections
}

const settingKey = () => {
  if (!env.TENANT_SETTING_KEY) throw new Error("TENANT_SETTING_KEY is not set")
  return settingKeyBytes(env.TENANT_SETTING_KEY)
}

/** Signs a tenant setting as `sec.current_tenant()` checks it: a nested sha256 over tenant, bot, visitor. */
export function signSetting(
  tenantId: string,
  botId: string,
  visitorId: string,
  key = settingKey(),
): string {
  const message = Buffer.from([tenantId, botId, visitorId].join("\x1f"), "utf8")
  const inner = createHash("sha256").update(key).update("\x00").update(message).digest()
  return createHash("sha256").update(key).update("\x01").update(inner).digest("hex")
}

const readsAndBulk = new Set([
  "findUnique",
  "findUniqueOrThrow",
  "findFirst",
  "findFirstOrThrow",
  "findMany",
  "count",
  "aggregate",
  "groupBy",
  "update",
  "updateMany",
  "updateManyAndReturn",
  "delete",
  "deleteMany",
  "upsert",
])

type Args = { where?: object; data?: object | object[]; create?: object; update?: object }

/**
 * Wall 1: adds the tenant to a model operation, whatever the caller wrote. Exported for its test.
 * It sees neither nested writes and includes nor raw SQL (the models declare no relations, so there is
 * nothing to nest); those are wall 2's.
 */
export function scopeOperation(
  model: string,
  operation: string,
  args: Args,
  tenantId: string,
): Args {
  const column = model === "Tenant" ? "id" : "tenantId"
  const own = { [column]: tenantId }
  const scoped: Args = { ...args }
  if (readsAndBulk.has(operation)) scoped.where = { ...args.where, ...own }
  if (args.data && operation.startsWith("create")) {
    scoped.data = Array.isArray(args.data)
      ? args.data.map((row) => ({ ...row, ...own }))
      : { ...args.data, ...own }
  } else if (args.data) {
    scoped.data = { ...args.data, ...own }
  }
  if (args.create) scoped.create = { ...args.create, ...own }
  if (args.update) scoped.update = { ...args.update, ...own }
  return scoped
}

function forTenant(tenantId: string) {
  return connections().prisma.$extends({
    name: "tenant",
    query: {
      $allModels: {
        $allOperations({ model, operation, args, query }) {
          return query(scopeOperation(model, operation, args as Args, tenantId) as typeof args)
        },
      },
    },
  })
}

type ScopedClient = ReturnType<typeof forTenant>
/** What a command gets to work with: the models, `$queryRaw` and `$executeRaw`, all inside one transaction. */
export type Tx = Parameters<Parameters<ScopedClient["$transaction"]>[0]>[0]

/**
 * Runs `work` in one transaction that sees only the scope's tenant (and, for a visitor, only that bot
 * and visitor). Never hold it open across a model call. Throws what `work` throws, rolled back.
 */
export async function withTenant<T>(scope: TenantScope, work: (tx: Tx) => Promise<T>): Promise<T> {
  const botId = scope.visitor?.botId ?? ""
  const visitorId = scope.visitor?.visitorId ?? ""
  const mac = signSetting(scope.tenantId, botId, visitorId)
  return forTenant(scope.tenantId).$transaction(
    async (tx) => {
      await tx.$queryRaw`select set_config('app.tenant_id', ${scope.tenantId}, true),
        set_config('app.bot_id', ${botId}, true), set_config('app.visitor_id', ${visitorId}, true),
        set_config('tenant.mac', ${mac}, true)`
      return work(tx)
    },
    { maxWait: 2_000, timeout: 20_000 },
  )
}

/**
 * Calls one definer function outside any tenant: a named prepared statement on the shared pool, about
 * a third of the cost of the same call through Prisma. For lib/tenancy/directory.ts and lib/limits.
 * `watch` is a connection that nobody else waits for: the regular checks of open answers.
 */
export async function callDefiner<Row extends object>(
  name: string,
  sql: string,
  values: unknown[],
  timeoutMs: number = queryTimeoutMs,
  lane: "pool" | "watch" = "pool",
): Promise<Row[]> {
  const { isPooled, [lane]: pool } = connections()
  const query = { ...(isPooled ? {} : { name }), text: sql, values, query_timeout: timeoutMs }
  const { rows } = await pool.query<Row>(query)
  return rows
}

/**
 * Calls one function that takes tenant and MAC first and sets them before anything else: wall 2 as in
 * withTenant, for the one path where five round trips are too many. `values` follow the two.
 */
export async function callAsTenant<Row extends object>(
  scope: TenantScope,
  name: string,
  sql: string,
  values: unknown[],
): Promise<Row[]> {
  return callDefiner(name, sql, [scope.tenantId, signSetting(scope.tenantId, "", ""), ...values])
}

/** Answers whether the database is there: `select 1` on the pool. */
export async function pingDatabase(): Promise<void> {
  await connections().pool.query("select 1")
}

/** Calls `onNews` whenever a trigger announces a revocation. Returns how to stop. Throws when it cannot connect. */
export async function listenForRevocations(
  onNews: () => void,
  onLost: () => void,
): Promise<() => Promise<void>> {
  const client = new pg.Client({
    connectionString: env.DATABASE_URL,
    application_name: "coatcheck-listen",
  })
  client.on("error", onLost)
  client.on("end", onLost)
  client.on("notification", onNews)
  await client.connect()
  await client.query("listen revocation")
  // News alone is no reason to keep a process that has finished its work.
  // (pg has it, its types do not.)
  ;(client as pg.Client & { unref(): void }).unref()
  return () => client.end()
}

/** As limits.list_alive knows them. */
export const processKinds = { web: 1, worker: 2 } as const
export type ProcessKind = keyof typeof processKinds

/**
 * Holds an advisory lock under `number` on a connection of its own, by which everyone on this database can tell
 * that this process is alive: it goes with the process, kill -9 included. Calls `onLost` when it is gone without
 * that. Throws when it cannot connect.
 */
export async function showAlive(
  kind: ProcessKind,
  number: number,
  onLost: () => void,
): Promise<void> {
  const client = new pg.Client({
    connectionString: env.DATABASE_URL,
    application_name: "coatcheck-alive",
    connectionTimeoutMillis: 2_000,
    query_timeout: 5_000,
    keepAlive: true,
  })
  client.on("error", onLost)
  client.on("end", onLost)
  await client.connect()
  await client.query("select pg_advisory_lock(20261120 + $1, $2)", [processKinds[kind], number])
  // As above: a sign of life is no reason to live.
  ;(client as pg.Client & { unref(): void }).unref()
}

/** The database's own clock, plus some seconds: what is compared with it later is set by it too. */
export async function readDatabaseTime(tx: Tx, plusSeconds = 0): Promise<Date> {
  const [row] = await tx.$queryRaw<{ at: Date }[]>`
    select now() + make_interval(secs => ${plusSeconds}) as at`
  return row!.at
}

/** Closes the pool: for tests and for processes that end. */
export async function disconnect(): Promise<void> {
  const open = shared.coatcheckConnections
  shared.coatcheckConnections = undefined
  await open?.prisma.$disconnect()
  await Promise.all([open?.pool.end(), open?.watch.end()].map((end) => end?.catch(() => {})))
}
