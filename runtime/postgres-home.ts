import { createHash, randomBytes } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import type { Passwords } from "./database-roles.ts"
import { findServiceUser, isReachable } from "./service-user.ts"

export type Connection = { port: number | null; passwords: Passwords }

/** The folder of locks, passwords and (mostly) the cluster. Two paths to one folder are one home. */
export function openHome(dataDir: string): string {
  const home = join(dataDir, "database")
  // Others may pass through, because the server runs under another account; nothing in it is readable.
  mkdirSync(home, { recursive: true, mode: 0o711 })
  return realpathSync(home)
}

/**
 * Where the cluster lives: beside its locks, unless the server's account cannot get there (a checkout
 * under /root): then under /var/lib/coatcheck, and location.json remembers.
 */
export function locateBase(home: string): string {
  const record = join(home, "location.json")
  if (existsSync(record)) return JSON.parse(readFileSync(record, "utf8")).folder
  if (existsSync(join(home, "cluster")) || isReachable(home, findServiceUser(null))) return home
  const hash = createHash("sha256").update(home).digest("hex").slice(0, 12)
  // A random part, so that a wiped data folder starts afresh instead of meeting its old cluster.
  const folder = `/var/lib/coatcheck/${hash}-${randomBytes(3).toString("hex")}`
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  writeAtomically(record, { folder })
  return folder
}

/** The stored port and passwords; made, with no port yet, for a folder that has no cluster. */
export function readConnection(home: string, base: string): Connection {
  const path = join(home, "connection.json")
  if (existsSync(path)) {
    try {
      return JSON.parse(readFileSync(path, "utf8"))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(
        `Cannot read ${path}: this database belongs to another user, or the file is damaged (${reason}).`,
      )
    }
  }
  if (existsSync(join(base, "cluster")))
    throw new Error(
      `${path} is missing, and with it the passwords of the database in ${base}. Put it back, or choose another DATA_DIR.`,
    )
  const secret = () => randomBytes(24).toString("hex")
  const passwords = { superuser: secret(), owner: secret(), app: secret() }
  const connection: Connection = { port: null, passwords }
  writeConnection(home, connection)
  return connection
}

export function writeConnection(home: string, connection: Connection): void {
  writeAtomically(join(home, "connection.json"), connection)
}

function writeAtomically(path: string, value: unknown): void {
  const staging = `${path}.${process.pid}`
  writeFileSync(staging, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true })
  renameSync(staging, path)
}
