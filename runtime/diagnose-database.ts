import { createHash } from "node:crypto"
import { statSync } from "node:fs"
import { join } from "node:path"
import { settingKeyBytes } from "#lib/secrets.ts"
import { inspectAppRole } from "./checks.ts"
import { withClient } from "./database-roles.ts"
import { isDemoDatabase } from "./demo-mark.ts"
import type { Diagnosis } from "./diagnose-settings.ts"
import { listPending } from "./migrate.ts"
import { queueSchema } from "./queues.ts"

const oldestVersion = 150000

/** What is wrong with a database: its version, its role, its walls, its migrations, the signing key. */
export async function diagnoseDatabase(options: {
  appUrl: string
  ownerUrl: string | null
  tenantSettingKey: string
  isDemoAllowed: boolean
}): Promise<Diagnosis[]> {
  const { appUrl, ownerUrl } = options
  const version = await readVersion(appUrl)
  if (typeof version !== "number") return [version]
  const findings: Diagnosis[] = [judgeVersion(version)]
  const pending = ownerUrl ? await listPending(ownerUrl) : []
  findings.push(judgeMigrations(ownerUrl, pending))
  const role = await inspectAppRole(appUrl)
  if (role.length === 0)
    findings.push({
      level: "ok",
      message: "The app role bypasses nothing, and every table it can touch is behind forced RLS.",
    })
  findings.push(...role)
  if (pending.length > 0) return findings
  findings.push(await diagnoseSettingKey(appUrl, options.tenantSettingKey))
  findings.push(await diagnoseQueue(appUrl))
  if (!options.isDemoAllowed && (await isDemoDatabase(appUrl)))
    findings.push({
      level: "fail",
      message: "This database holds the demo, whose sign-in is public.",
      remedy: "Point DATA_DIR or DATABASE_URL at another one.",
    })
  return findings
}

async function readVersion(appUrl: string): Promise<number | Diagnosis> {
  try {
    const { rows } = await withClient(appUrl, (client) =>
      client.query("select current_setting('server_version_num')::int as version"),
    )
    return rows[0].version
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return {
      level: "fail",
      message: `The database does not answer: ${reason}.`,
      remedy: "Check DATABASE_URL, or start the embedded one with npm start.",
    }
  }
}

function judgeVersion(version: number): Diagnosis {
  const name = `PostgreSQL ${Math.floor(version / 10_000)}`
  if (version >= oldestVersion) return { level: "ok", message: `${name} answers.` }
  return { level: "fail", message: `${name} is too old.`, remedy: "Use PostgreSQL 15 or newer." }
}

function judgeMigrations(ownerUrl: string | null, pending: string[]): Diagnosis {
  if (!ownerUrl)
    return {
      level: "warn",
      message: "MIGRATION_DATABASE_URL is not set: whether the schema is current was not checked.",
      remedy: "Set it for npm run doctor and npm run db:migrate.",
    }
  if (pending.length === 0) return { level: "ok", message: "The schema is up to date." }
  return {
    level: "fail",
    message: `The schema lacks ${pending.join(", ")}.`,
    remedy: "Run npm run db:migrate.",
  }
}

/** Signs a tenant setting as lib/tenancy does, and asks the database whether it believes it. */
async function diagnoseSettingKey(appUrl: string, secret: string): Promise<Diagnosis> {
  const tenant = "ten_doctor"
  const key = settingKeyBytes(secret)
  const message = [tenant, "", ""].join("\x1f")
  const inner = createHash("sha256").update(key).update("\x00").update(message).digest()
  const mac = createHash("sha256").update(key).update("\x01").update(inner).digest("hex")
  const { rows } = await withClient(appUrl, async (client) => {
    await client.query("begin")
    await client.query(
      "select set_config('app.tenant_id', $1, true), set_config('tenant.mac', $2, true)",
      [tenant, mac],
    )
    return client.query("select sec.current_tenant() as tenant")
  })
  if (rows[0].tenant === tenant)
    return { level: "ok", message: "The database accepts tenants signed with TENANT_SETTING_KEY." }
  return {
    level: "fail",
    message: "The database holds another TENANT_SETTING_KEY: every tenant would look empty.",
    remedy: "Put the old key back, or run npm run db:migrate to install this one.",
  }
}

async function diagnoseQueue(appUrl: string): Promise<Diagnosis> {
  const { rows } = await withClient(appUrl, (client) =>
    client.query(`
      select count(*) filter (where state = 'failed')::int as failed,
        count(*) filter (where state < 'active' and created_on < now() - interval '10 minutes')::int
          as waiting
      from ${queueSchema}.job`),
  )
  const { failed, waiting } = rows[0]
  if (waiting > 0)
    return {
      level: "warn",
      message: `${waiting} ${waiting === 1 ? "job has" : "jobs have"} waited for more than ten minutes.`,
      remedy: "Look whether the worker runs; npm start starts it.",
    }
  const note = failed > 0 ? `; ${failed} failed lately` : ""
  return { level: "ok", message: `The queue is in order${note}.` }
}

/** Secrets of the embedded deployment lie in a file: only its owner may read it. */
export function diagnoseSecretsFile(dataDir: string): Diagnosis {
  const path = join(dataDir, "secrets.json")
  const mode = statSync(path).mode & 0o077
  if (mode === 0) return { level: "ok", message: `Secrets are in ${path}, readable by you alone.` }
  return {
    level: "fail",
    message: `${path} can be read by other accounts.`,
    remedy: `Run: chmod 600 ${path}`,
  }
}
