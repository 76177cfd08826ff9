import { existsSync } from "node:fs"
import { join } from "node:path"
import { diagnoseDatabase, diagnoseSecretsFile } from "../runtime/diagnose-database.ts"
import { diagnoseReach } from "../runtime/diagnose-reach.ts"
import { type Diagnosis, diagnoseSettings } from "../runtime/diagnose-settings.ts"
import { loadDotenv, readDataDir } from "../runtime/environment.ts"
import { startEmbeddedPostgres } from "../runtime/postgres.ts"
import { loadSecrets } from "../runtime/secrets.ts"

const colours = { ok: 32, warn: 33, fail: 31 }

function print({ level, message, remedy }: Diagnosis): void {
  const label = level.padEnd(4)
  const tag = process.stdout.isTTY ? `\x1b[${colours[level]}m${label}\x1b[0m` : label
  console.log(`${tag}  ${message}${remedy ? ` ${remedy}` : ""}`)
}

/** Says what is wrong with a deployment, a line each, changing nothing. Exits with 1 on any `fail`. */
async function main(): Promise<void> {
  loadDotenv()
  const findings: Diagnosis[] = []
  const report = (...lines: Diagnosis[]) => {
    for (const line of lines) print(line)
    findings.push(...lines)
  }
  // Imported only now: it reads the environment once, and throws with every bad variable.
  const { env } = await import("#lib/env.ts")
  report({ level: "ok", message: "Every variable that is set is well-formed." })
  report(...diagnoseSettings(env))
  report(...(await examineDatabase().catch((error) => [explain(error)])))
  report(...(await diagnoseReach(env)))
  const count = (level: Diagnosis["level"]) => findings.filter((f) => f.level === level).length
  console.log(`${count("fail")} to fix, ${count("warn")} to consider, ${count("ok")} in order.`)
  process.exitCode = count("fail") > 0 ? 1 : 0
}

async function examineDatabase(): Promise<Diagnosis[]> {
  const isDemoAllowed = Boolean(process.env.DEMO)
  const external = process.env.DATABASE_URL
  if (external) {
    const secrets = loadSecrets(readDataDir(), { isDatabaseExternal: true })
    return [
      { level: "ok", message: "All four secrets are set and long enough." },
      ...(await diagnoseDatabase({
        appUrl: external,
        ownerUrl: process.env.MIGRATION_DATABASE_URL || null,
        tenantSettingKey: secrets.TENANT_SETTING_KEY,
        isDemoAllowed,
      })),
    ]
  }
  const dataDir = readDataDir()
  if (!existsSync(join(dataDir, "database")))
    return [
      {
        level: "fail",
        message: `There is no database in ${dataDir} yet.`,
        remedy: "npm start makes it.",
      },
    ]
  const secrets = loadSecrets(dataDir)
  const database = await startEmbeddedPostgres(dataDir)
  try {
    const { appUrl, ownerUrl } = database
    const tenantSettingKey = secrets.TENANT_SETTING_KEY
    return [
      diagnoseSecretsFile(dataDir),
      ...(await diagnoseDatabase({ appUrl, ownerUrl, tenantSettingKey, isDemoAllowed })),
    ]
  } finally {
    await database.stop()
  }
}

/** The launcher's and migrator's own errors say what to do. */
function explain(error: unknown): Diagnosis {
  return { level: "fail", message: error instanceof Error ? error.message : String(error) }
}

main().catch((error) => {
  print(explain(error))
  process.exitCode = 1
})
