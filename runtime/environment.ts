import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { migrate, readRole } from "./migrate.ts"
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./postgres.ts"
import { loadSecrets, type Secrets } from "./secrets.ts"

export const projectFolder = join(import.meta.dirname, "..")

export type PreparedDatabase = {
  appUrl: string
  /** Null with an external database whose owner this process was not told. */
  ownerUrl: string | null
  embedded: EmbeddedPostgres | null
  secrets: Secrets
  /** Names of the migrations that were applied just now. */
  applied: string[]
  stop(): Promise<void>
}

/** Reads .env, if there is one, without touching what is already set. Empty values count as unset. */
export function loadDotenv(): void {
  const path = join(projectFolder, ".env")
  if (existsSync(path)) process.loadEnvFile(path)
}

export function readDataDir(): string {
  return resolve(projectFolder, process.env.DATA_DIR || ".data")
}

/**
 * The database that this deployment's environment names, started if it is the embedded one, and up to
 * date. Throws when a secret or an address is missing.
 */
export async function prepareDatabase(): Promise<PreparedDatabase> {
  loadDotenv()
  const appUrl = process.env.DATABASE_URL
  if (!appUrl) return prepareEmbedded(readDataDir())
  const secrets = loadSecrets(readDataDir(), { isDatabaseExternal: true })
  const ownerUrl = process.env.MIGRATION_DATABASE_URL || null
  const applied = ownerUrl
    ? await migrate(ownerUrl, {
        appRole: readRole(appUrl),
        tenantSettingKey: secrets.TENANT_SETTING_KEY,
      })
    : []
  return { appUrl, ownerUrl, embedded: null, secrets, applied, stop: async () => {} }
}

async function prepareEmbedded(
  dataDir: string,
  source?: Record<string, string | undefined>,
): Promise<PreparedDatabase & { embedded: EmbeddedPostgres }> {
  const secrets = loadSecrets(dataDir, { source })
  const embedded = await startEmbeddedPostgres(dataDir)
  try {
    const applied = await migrate(embedded.ownerUrl, {
      appRole: "app",
      tenantSettingKey: secrets.TENANT_SETTING_KEY,
    })
    const { appUrl, ownerUrl, stop } = embedded
    return { appUrl, ownerUrl, embedded, secrets, applied, stop }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}

/** The addresses of a deployment that serves this machine alone, console and widget apart. */
export function localAddresses(port: number): Record<string, string> {
  const appUrl = `http://localhost:${port}`
  return {
    PORT: String(port),
    HOST: "127.0.0.1",
    APP_URL: appUrl,
    WIDGET_URL: `http://127.0.0.1:${port}`,
    NEXTAUTH_URL: appUrl,
  }
}

export type PreparedEnvironment = {
  /** What a web or worker process needs: the app role's address and the secrets, never the owner's. */
  env: Record<string, string>
  ownerUrl: string
  superuserUrl: string
  stop(): Promise<void>
}

/**
 * A whole embedded deployment in `dataDir` for tests, benches and the demo: database, migrations,
 * secrets. Ignores what the caller's own environment says about any of them.
 */
export async function prepareEnvironment(options: {
  dataDir: string
}): Promise<PreparedEnvironment> {
  const dataDir = resolve(options.dataDir)
  const { embedded, appUrl, secrets, stop } = await prepareEmbedded(dataDir, {})
  return {
    env: {
      ...secrets,
      DATA_DIR: dataDir,
      DATABASE_URL: appUrl,
      NEXTAUTH_SECRET: secrets.AUTH_SECRET,
    },
    ownerUrl: embedded.ownerUrl,
    superuserUrl: embedded.superuserUrl,
    stop,
  }
}
