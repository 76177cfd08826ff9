import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { databaseUrl, provisionRoles, withClient } from "./database-roles.ts"
import { type FileLock, tryLock, waitForLock } from "./file-lock.ts"
import { prepareBinaries } from "./postgres-binaries.ts"
import { initCluster } from "./postgres-cluster.ts"
import {
  type Connection,
  locateBase,
  openHome,
  readConnection,
  writeConnection,
} from "./postgres-home.ts"
import {
  disownStalePid,
  guardServer,
  isServerAlive,
  launchServer,
  type Postmaster,
  readPostmaster,
  stopServer,
} from "./postgres-server.ts"
import { findServiceUser, type ServiceUser } from "./service-user.ts"

export type EmbeddedPostgres = {
  ownerUrl: string
  appUrl: string
  superuserUrl: string
  port: number
  /** The server's process, for whoever watches it. */
  pid: number
  /** False when another process of ours started the server, and will stop it. */
  isOwner: boolean
  isRunning(): boolean
  /** Stops the server when we own it; does nothing when we are only attached. */
  stop(): Promise<void>
}

const lockTimeoutMs = 120_000
/** How long a server may take to come up or go down before it counts as out of reach. */
const attachTimeoutMs = 30_000
const serverMajor = "18"

/**
 * Starts PostgreSQL on `dataDir`/database, or attaches to the one that already runs there.
 *
 * Guarantees: one server a folder however many start at once; a start after kill -9 loses no
 * acknowledged row; the server listens on loopback alone and stops when its owner dies.
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  options: { patienceMs?: number } = {},
): Promise<EmbeddedPostgres> {
  const home = openHome(dataDir)
  const startLock = await waitForLock(join(home, "start.lock"), lockTimeoutMs)
  if (!startLock)
    throw new Error(`Another process has been starting the database in ${home} for two minutes.`)
  try {
    return await startUnderLock(home, options.patienceMs ?? attachTimeoutMs)
  } finally {
    startLock.release()
  }
}

async function startUnderLock(home: string, patienceMs: number): Promise<EmbeddedPostgres> {
  const base = locateBase(home)
  const connection = readConnection(home, base)
  const deadline = Date.now() + patienceMs
  for (;;) {
    const running = await findRunningServer(base, connection, deadline)
    const ownership = tryLock(join(home, "owner.lock"))
    if (running && !ownership) return hold({ home, base, running, connection, ownership: null })
    if (ownership) {
      // Running without an owner: its guard is about to stop it, so nobody may move in.
      if (running) await stopServer(base, running.pid)
      return launch({ home, base, connection, ownership })
    }
    // Its owner lives but the server can't be reached: it is stopping, or runs in another container.
    if (Date.now() > deadline)
      throw new Error(
        `The database in ${home} is in use by another process that cannot be reached from here (another container, perhaps). Stop that one, or choose another DATA_DIR.`,
      )
    await delay(50)
  }
}

async function launch(options: {
  home: string
  base: string
  connection: Connection
  ownership: FileLock
}): Promise<EmbeddedPostgres> {
  const { home, base, connection, ownership } = options
  try {
    const cluster = join(base, "cluster")
    const user = findServiceUser(existsSync(cluster) ? cluster : null)
    const binaries = prepareBinaries(base, user)
    if (!existsSync(cluster))
      await initCluster(base, {
        binaries,
        user,
        superuserPassword: connection.passwords.superuser,
      })
    requireVersion(cluster)
    const stale = readPostmaster(base)
    if (stale && !isServerAlive(base, stale.pid)) disownStalePid(base, stale.pid)
    const preferredPort = connection.port
    const running = await launchServer(base, { binaries, user, preferredPort })
    if (running.port !== connection.port)
      writeConnection(home, { ...connection, port: running.port })
    return await hold({ home, base, running, connection, ownership, user })
  } catch (error) {
    ownership.release()
    throw error
  }
}

async function hold(options: {
  home: string
  base: string
  running: Postmaster
  connection: Connection
  ownership: FileLock | null
  user?: ServiceUser
}): Promise<EmbeddedPostgres> {
  const { home, base, running, connection, ownership } = options
  const { passwords } = connection
  const { pid, port } = running
  const superuserUrl = databaseUrl("postgres", passwords.superuser, port, "postgres")
  const dismissGuard = ownership ? guardServer(base, pid, options.user ?? null) : () => {}
  const shutDown = async () => {
    await stopServer(base, pid)
    dismissGuard()
    ownership?.release()
  }
  try {
    if (ownership) await provisionRoles(superuserUrl, passwords)
  } catch (error) {
    await shutDown()
    throw error
  }
  const stop = async () => {
    if (!ownership) return
    // Under the start lock, so that nobody attaches to a server on its way down.
    const lock = await waitForLock(join(home, "start.lock"), attachTimeoutMs).catch(() => null)
    await shutDown()
    lock?.release()
  }
  return {
    ownerUrl: databaseUrl("owner", passwords.owner, port),
    appUrl: databaseUrl("app", passwords.app, port),
    superuserUrl,
    port,
    pid,
    isOwner: ownership !== null,
    isRunning: () => isServerAlive(base, pid),
    stop,
  }
}

/** The server on this folder once it takes connections; null when there is none. */
async function findRunningServer(
  base: string,
  connection: Connection,
  deadline: number,
): Promise<Postmaster | null> {
  for (;;) {
    const postmaster = readPostmaster(base)
    if (!postmaster || !isServerAlive(base, postmaster.pid)) return null
    const answer = postmaster.isReady ? await knock(postmaster, connection) : "silent"
    if (answer === "open") return postmaster
    // Alive and silent: still recovering, or on its way down. Either ends by itself.
    if (answer === "refused" || Date.now() > deadline)
      throw new Error(
        `A PostgreSQL server (process ${postmaster.pid}) holds ${base} and ${answer === "refused" ? "does not know our password" : "does not answer"}. Stop it, or choose another DATA_DIR.`,
      )
    await delay(50)
  }
}

const wrongPasswordCode = "28P01"

async function knock(
  postmaster: Postmaster,
  { passwords }: Connection,
): Promise<"open" | "refused" | "silent"> {
  const url = databaseUrl("postgres", passwords.superuser, postmaster.port, "postgres")
  try {
    await withClient(url, (client) => client.query("select 1"))
    return "open"
  } catch (error) {
    return (error as { code?: string }).code === wrongPasswordCode ? "refused" : "silent"
  }
}

function requireVersion(cluster: string): void {
  const version = readFileSync(join(cluster, "PG_VERSION"), "utf8").trim()
  if (version !== serverMajor)
    throw new Error(
      `${cluster} was made by PostgreSQL ${version}; this release brings ${serverMajor}. Dump it with the old release and load it into a new DATA_DIR.`,
    )
}
