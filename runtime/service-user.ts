import { readFileSync, type Stats, statSync } from "node:fs"
import { dirname } from "node:path"

/** The account that the database server runs under; null means the one we are running as. */
export type ServiceUser = { uid: number; gid: number } | null

/**
 * PostgreSQL refuses to run as root. As root it gets the machine's `postgres` account, else `nobody`;
 * a cluster that already exists keeps the account that owns it.
 */
export function findServiceUser(clusterPath: string | null): ServiceUser {
  if (process.getuid?.() !== 0) return null
  if (clusterPath) {
    const { uid, gid } = statSync(clusterPath)
    if (uid !== 0) return { uid, gid }
  }
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
  for (const name of ["postgres", "nobody"]) {
    const account = accounts.find((fields) => fields[0] === name)
    const uid = Number(account?.[2])
    if (account && uid > 0) return { uid, gid: Number(account[3]) }
  }
  throw new Error(
    "The embedded database cannot run as root, and this machine has neither a `postgres` nor a `nobody` account. Start as an ordinary user, or set DATABASE_URL.",
  )
}

/** True when that account can enter every folder on the way to `path` (which must exist). */
export function isReachable(path: string, user: ServiceUser): boolean {
  if (!user) return true
  for (let folder = path; ; folder = dirname(folder)) {
    if (!hasPermission(statSync(folder), user, 0o1)) return false
    if (folder === dirname(folder)) return true
  }
}

/** True when the account may read this one file or folder. */
export function isReadable(path: string, user: ServiceUser): boolean {
  return !user || hasPermission(statSync(path), user, 0o4)
}

function hasPermission(stats: Stats, user: { uid: number; gid: number }, bit: number): boolean {
  if (stats.uid === user.uid) return (stats.mode & (bit << 6)) !== 0
  if (stats.gid === user.gid) return (stats.mode & (bit << 3)) !== 0
  return (stats.mode & bit) !== 0
}
