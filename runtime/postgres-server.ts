import { spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { type Binaries, describeSpawnError, serverEnvironment } from "./postgres-binaries.ts"
import type { ServiceUser } from "./service-user.ts"

export type Postmaster = { pid: number; port: number; isReady: boolean }

const startTimeoutMs = 60_000
const stopTimeoutMs = 15_000
const logLimitBytes = 5_000_000

/**
 * Starts the server on `folder`/cluster and waits until it takes connections. Tries `preferredPort`
 * first and moves on when something else has it. Returns what is running.
 */
export async function launchServer(
  folder: string,
  options: { binaries: Binaries; user: ServiceUser; preferredPort: number | null },
): Promise<Postmaster> {
  const deadline = Date.now() + startTimeoutMs
  let port = options.preferredPort ?? (await findFreePort())
  for (;;) {
    const outcome = await launchOnce(folder, { ...options, port, deadline })
    if (typeof outcome !== "string") return outcome
    if (Date.now() > deadline) throw new Error(describeFailure(folder, outcome))
    if (/could not bind|Address already in use/.test(outcome)) port = await findFreePort()
    // Backends that outlived a killed postmaster leave on their own; the interlock is theirs to keep.
    else if (/shared memory block .* is still in use/s.test(outcome)) await delay(100)
    else throw new Error(describeFailure(folder, outcome))
  }
}

async function launchOnce(
  folder: string,
  options: {
    binaries: Binaries
    user: ServiceUser
    port: number
    deadline: number
  },
): Promise<Postmaster | string> {
  const { binaries, user, port, deadline } = options
  const logPath = join(folder, "postgres.log")
  const isLogLong = existsSync(logPath) && statSync(logPath).size > logLimitBytes
  const logFile = openSync(logPath, isLogLong ? "w" : "a", 0o600)
  const logStart = statSync(logPath).size
  const child = spawn(binaries.postgres, serverArguments(folder, port), {
    ...user,
    cwd: "/",
    env: serverEnvironment(binaries),
    // A session of its own: Ctrl-C in the terminal must reach the web server first and this one last.
    detached: true,
    stdio: ["ignore", logFile, logFile],
  })
  closeSync(logFile)
  child.unref()
  let hasEnded = false
  let spawnError: Error | null = null
  child.once("exit", () => {
    hasEnded = true
  })
  child.once("error", (error) => {
    spawnError = describeSpawnError(error)
  })
  for (;;) {
    if (spawnError) throw spawnError
    if (hasEnded) return readFileSync(logPath).subarray(logStart).toString("utf8")
    const postmaster = readPostmaster(folder)
    if (postmaster?.isReady && postmaster.pid === child.pid) return postmaster
    if (Date.now() > deadline) {
      child.kill("SIGQUIT")
      return `The server did not become ready within ${startTimeoutMs / 1000} seconds.`
    }
    await delay(10)
  }
}

function serverArguments(folder: string, port: number): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: "",
    max_connections: 200,
    shared_buffers: "64MB",
    jit: "off",
    wal_level: "minimal",
    max_wal_senders: 0,
    // Statements and error details carry people's text; the log keeps neither.
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  return ["-D", join(folder, "cluster"), ...flags]
}

/** What postmaster.pid says, or null when there is none (or it is being written). */
export function readPostmaster(folder: string): Postmaster | null {
  let lines: string[]
  try {
    lines = readFileSync(join(folder, "cluster", "postmaster.pid"), "utf8").split("\n")
  } catch {
    return null
  }
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return null
  return { pid, port: Number(lines[3]), isReady: lines[7]?.trim() === "ready" }
}

/** True while `pid` is alive and, as far as can be told, a server on this very folder. */
export function isServerAlive(folder: string, pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    // EPERM too: another account's process is no server on a folder that only ours can open.
    return false
  }
  try {
    // A zombie that nobody has reaped yet still answers the signal.
    if (/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) return false
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(join(folder, "cluster"))
  } catch {
    return true
  }
}

/**
 * Lets a server start where postmaster.pid names a process that has since become something else (after
 * a crash in a container, process numbers repeat). Only the number is replaced: the rest of the file
 * is how PostgreSQL recognises backends that are still attached.
 */
export function disownStalePid(folder: string, pid: number): void {
  const path = join(folder, "cluster", "postmaster.pid")
  const text = readFileSync(path, "utf8")
  if (text.startsWith(`${pid}\n`)) writeFileSync(path, text.replace(`${pid}\n`, `${process.pid}\n`))
}

/** Fast shutdown, then an immediate one: the write-ahead log makes both lose nothing. */
export async function stopServer(folder: string, pid: number): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    if (!isServerAlive(folder, pid)) return
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    const deadline = Date.now() + stopTimeoutMs
    while (isServerAlive(folder, pid) && Date.now() < deadline) await delay(10)
  }
}

/**
 * A tiny shell that stops the server when our end of its pipe closes, which the kernel does even
 * after kill -9. Returns how to call it off.
 */
export function guardServer(folder: string, pid: number, user: ServiceUser): () => void {
  const script =
    'read -r _; read -r pid < "$1/postmaster.pid" && [ "$pid" = "$2" ] && kill -INT "$2"'
  const child = spawn("/bin/sh", ["-c", script, "sh", join(folder, "cluster"), String(pid)], {
    ...user,
    cwd: "/",
    env: {} as NodeJS.ProcessEnv,
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  })
  child.on("error", () => {})
  child.unref()
  const pipe = child.stdin as typeof child.stdin & { unref?: () => void }
  pipe.on("error", () => {})
  pipe.unref?.()
  return () => child.kill("SIGKILL")
}

/**
 * A port below the range that systems hand out to outgoing connections: the same one has to be free again
 * at every later start, and pools expect it there.
 */
async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(20_000, 32_000)
    const probe = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false))
      probe.listen(port, "127.0.0.1", () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => probe.close(resolve))
    return port
  }
  throw new Error("No free port was found between 20000 and 32000.")
}

function describeFailure(folder: string, output: string): string {
  const tail = output.trim().split("\n").slice(-12).join("\n")
  if (/lock file "postmaster.pid" already exists/.test(output))
    return `The database folder ${folder} is in use by another PostgreSQL server that cannot be reached. Stop it, or choose another DATA_DIR.\n${tail}`
  return `The embedded database did not start (${join(folder, "postgres.log")}):\n${tail}`
}
