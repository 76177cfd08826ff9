import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { newSecret } from "#lib/secrets.ts"

const makers = {
  AUTH_SECRET: () => newSecret(32),
  TOKEN_KEYS: () => `k1:${newSecret(32)}`,
  ENCRYPTION_KEY: () => newSecret(32),
  TENANT_SETTING_KEY: () => newSecret(32),
}

export type SecretName = keyof typeof makers
export type Secrets = Record<SecretName, string>

const names = Object.keys(makers) as SecretName[]

/**
 * The deployment's secrets: from the environment, else from `dataDir`/secrets.json, which is made
 * (mode 0600) the first time. With a database of the operator's own nothing is made up: it outlives
 * this machine's folder, and rows sealed with a lost key would be lost too.
 */
export function loadSecrets(
  dataDir: string,
  options: { isDatabaseExternal?: boolean; source?: Record<string, string | undefined> } = {},
): Secrets {
  const source = options.source ?? process.env
  const missing = names.filter((name) => !source[name])
  if (missing.length > 0 && options.isDatabaseExternal)
    throw new Error(
      `With DATABASE_URL set these are required too: ${missing.join(", ")}. Make each with: openssl rand -hex 32 (TOKEN_KEYS takes the form k1:<secret>).`,
    )
  const stored = missing.length > 0 ? readOrMakeSecrets(dataDir) : null
  const entries = names.map((name) => [name, source[name] || stored?.[name] || ""])
  return Object.fromEntries(entries)
}

function readOrMakeSecrets(dataDir: string): Secrets {
  const path = join(dataDir, "secrets.json")
  const found = readSecrets(path)
  if (found) return found
  mkdirSync(dataDir, { recursive: true })
  const made = Object.fromEntries(names.map((name) => [name, makers[name]()]))
  const staging = `${path}.${process.pid}`
  writeFileSync(staging, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flush: true })
  try {
    // A link never replaces: of two processes that start at once, one decides.
    linkSync(staging, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  } finally {
    rmSync(staging, { force: true })
  }
  return readSecrets(path) as Secrets
}

function readSecrets(path: string): Secrets | null {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw new Error(`Cannot read ${path}: it belongs to another user.`, { cause: error })
  }
  const stored = parseObject(text)
  const lost = names.filter((name) => typeof stored[name] !== "string" || stored[name] === "")
  if (lost.length > 0)
    throw new Error(`${path} lacks ${lost.join(", ")}. Put it back from a backup.`)
  return stored as Secrets
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
