import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import type { Client } from "pg"
import {
  getConstructionPlans,
  getMigrationPlans,
  type MigrationPartition,
  PgBoss,
  type Queue,
} from "pg-boss"

export const queueSchema = "pgboss"

/** Every queue there is, with how its jobs are retried. Payloads carry ids, never content. */
export const queues: Record<string, Omit<Queue, "name" | "policy" | "partition">> = {
  ingest: {
    retryLimit: 3,
    retryDelay: 2,
    retryDelayMax: 60,
    retryBackoff: true,
    // Longer than any file takes; a worker that dies is noticed by its heartbeat long before.
    expireInSeconds: 600,
    heartbeatSeconds: 10,
    deleteAfterSeconds: 86_400,
    retentionSeconds: 7 * 86_400,
    notify: true,
  },
}

/**
 * Makes or upgrades pg-boss's tables and our queues as the owner, so that the app role needs no CREATE:
 * it gets rows to read and write, and the worker starts pg-boss with `migrate: false`.
 */
export async function installQueues(client: Client): Promise<void> {
  const version = await readInstalledVersion(client)
  if (version === null) await client.query(getConstructionPlans(queueSchema))
  else if (version < readPackagedVersion()) await client.query(await planUpgrade(client, version))
  await client.query(`
    grant usage on schema ${queueSchema} to app;
    grant select, insert, update, delete on all tables in schema ${queueSchema} to app;
    revoke delete on ${queueSchema}.queue from app;
    revoke insert, delete on ${queueSchema}.version from app;
    revoke insert, update, delete on ${queueSchema}.bam from app`)
  await declareQueues(client)
}

async function readInstalledVersion(client: Client): Promise<number | null> {
  const found = await client.query("select to_regclass($1) is not null as yes", [
    `${queueSchema}.version`,
  ])
  if (!found.rows[0].yes) return null
  const { rows } = await client.query(`select version from ${queueSchema}.version`)
  return rows[0]?.version ?? null
}

function readPackagedVersion(): number {
  const entry = createRequire(import.meta.url).resolve("pg-boss")
  const manifest = readFileSync(join(dirname(entry), "..", "package.json"), "utf8")
  return JSON.parse(manifest).pgboss.schema
}

async function planUpgrade(client: Client, version: number): Promise<string> {
  const { rows } = await client.query<MigrationPartition>(
    `select table_name as "tableName", policy from ${queueSchema}.queue where partition`,
  )
  return getMigrationPlans(queueSchema, version, { partitionTables: rows })
}

async function declareQueues(client: Client): Promise<void> {
  const db = {
    executeSql: async (text: string, values?: unknown[]) => client.query(text, values),
  }
  // Never started: only its statements are wanted, on the migrator's own connection.
  const boss = new PgBoss({ db, schema: queueSchema, migrate: false, supervise: false })
  for (const [name, options] of Object.entries(queues)) {
    if (await boss.getQueue(name)) await boss.updateQueue(name, options)
    else await boss.createQueue(name, options)
  }
}
