import { type ChildProcess, fork } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { withClient } from "./database-roles.ts"
import { tryLock } from "./file-lock.ts"
import { startEmbeddedPostgres } from "./postgres.ts"
import { isServerAlive } from "./postgres-server.ts"
import { isReachable } from "./service-user.ts"

const nobody = { uid: 65534, gid: 65534 }
const isRoot = process.getuid?.() === 0
const fixture = join(import.meta.dirname, "postgres.fixture.ts")

type Report = { pid: number; port: number; isOwner: boolean; error?: string }

/** Initialised once: making a cluster is most of what a test here would cost. */
let dataDir: string
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "coatcheck-pg-"))
  chmodSync(dataDir, 0o711)
  const server = await startEmbeddedPostgres(dataDir)
  await server.stop()
})
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function makeDataDir(mode = 0o711): string {
  const dataDir = mkdtempSync(join(tmpdir(), "coatcheck-pg-"))
  chmodSync(dataDir, mode)
  cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }))
  return dataDir
}

/** Starts a database in a process of its own and returns what it reported. */
async function startElsewhere(dataDir: string, user: { uid?: number; gid?: number } = {}) {
  const child = fork(fixture, [dataDir], { ...user, detached: true, execArgv: [], cwd: "/" })
  cleanups.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once("exit", resolve))
    child.send("stop", () => {})
    await gone
  })
  const report = await new Promise<Report>((resolve) =>
    child.once("message", (m) => resolve(m as Report)),
  )
  return { child, ...report }
}

async function killGroup(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once("exit", resolve))
  process.kill(-(child.pid ?? 0), "SIGKILL")
  await gone
}

async function countRows(url: string): Promise<number> {
  const { rows } = await withClient(url, (client) =>
    client.query("select count(*)::int as count from acknowledged"),
  )
  return rows[0].count
}

test("kill -9 of the whole process group, the server included, loses no acknowledged row", async () => {
  for (let round = 1; round <= 6; round++) {
    const writer = await startElsewhere(dataDir)
    expect(writer.error).toBeUndefined()
    let lastWritten = 0
    let count = 0
    const enough = new Promise<void>((resolve) => {
      writer.child.on("message", (message: { written?: number }) => {
        lastWritten = message.written ?? lastWritten
        if (++count >= 40) resolve()
      })
    })
    writer.child.send("write")
    await enough
    // Odd rounds kill the server too; even rounds leave it to the guard and the next start.
    if (round % 2 === 1) process.kill(writer.pid, "SIGKILL")
    await killGroup(writer.child)
    const server = await startEmbeddedPostgres(dataDir)
    expect(await countRows(server.ownerUrl)).toBeGreaterThanOrEqual(lastWritten)
    await server.stop()
    expect(isServerAlive(join(dataDir, "database"), server.pid)).toBe(false)
  }
}, 60_000)

test("the server stops by itself when its owner is killed", async () => {
  const owner = await startElsewhere(dataDir)
  await killGroup(owner.child)
  await expect
    .poll(() => isServerAlive(join(dataDir, "database"), owner.pid), { timeout: 15_000 })
    .toBe(false)
})

test("of two processes that start at once, one owns the server and the other attaches to it", async () => {
  const dataDir = makeDataDir()
  const [one, two] = await Promise.all([startElsewhere(dataDir), startElsewhere(dataDir)])
  expect([one.error, two.error]).toEqual([undefined, undefined])
  expect(one.port).toBe(two.port)
  expect(one.pid).toBe(two.pid)
  expect([one.isOwner, two.isOwner].sort()).toEqual([false, true])
})

test("an attached process leaves the server alone when it stops", async () => {
  const owner = await startElsewhere(dataDir)
  const guest = await startEmbeddedPostgres(dataDir)
  expect(guest.isOwner).toBe(false)
  await guest.stop()
  expect(guest.isRunning()).toBe(true)
  expect(guest.pid).toBe(owner.pid)
})

test("a restart keeps the port and the passwords, so that open pools find it again", async () => {
  const first = await startEmbeddedPostgres(dataDir)
  await first.stop()
  const second = await startEmbeddedPostgres(dataDir)
  cleanups.push(second.stop)
  expect(second.appUrl).toBe(first.appUrl)
})

test("a port that something else took meanwhile is replaced by a free one", async () => {
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve))
  cleanups.push(() => new Promise<void>((resolve) => squatter.close(() => resolve())))
  const { port } = squatter.address() as AddressInfo
  const path = join(dataDir, "database", "connection.json")
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), port }))
  const server = await startEmbeddedPostgres(dataDir)
  cleanups.push(server.stop)
  expect(server.port).not.toBe(port)
  expect(JSON.parse(readFileSync(path, "utf8")).port).toBe(server.port)
})

test("a server that does not know our password is named, not guessed at", async () => {
  const server = await startEmbeddedPostgres(dataDir)
  cleanups.push(server.stop)
  const path = join(dataDir, "database", "connection.json")
  const text = readFileSync(path, "utf8")
  cleanups.push(() => writeFileSync(path, text))
  const connection = JSON.parse(text)
  connection.passwords.superuser = "another"
  writeFileSync(path, JSON.stringify(connection))
  await expect(startEmbeddedPostgres(dataDir)).rejects.toThrow(
    /process \d+\) holds .* and does not know our password/,
  )
})

test("a folder whose owner lives but cannot be reached says so", async () => {
  const lock = tryLock(join(dataDir, "database", "owner.lock"))
  cleanups.push(() => lock?.release())
  await expect(startEmbeddedPostgres(dataDir, { patienceMs: 200 })).rejects.toThrow(
    /in use by another process that cannot be reached/,
  )
})

test("a cluster whose passwords are gone is not replaced by an empty one", async () => {
  const path = join(dataDir, "database", "connection.json")
  renameSync(path, `${path}.away`)
  cleanups.push(() => renameSync(`${path}.away`, path))
  await expect(startEmbeddedPostgres(dataDir)).rejects.toThrow(/connection\.json is missing/)
})

test("a process that took over the dead server's number does not block a start", async () => {
  const server = await startEmbeddedPostgres(dataDir)
  process.kill(server.pid, "SIGKILL")
  await expect.poll(server.isRunning).toBe(false)
  await server.stop()
  const path = join(dataDir, "database", "cluster", "postmaster.pid")
  const lines = readFileSync(path, "utf8").split("\n")
  writeFileSync(path, [String(process.ppid), ...lines.slice(1)].join("\n"))
  const next = await startEmbeddedPostgres(dataDir)
  cleanups.push(next.stop)
  expect(next.isOwner).toBe(true)
})

test("the server takes only loopback connections with a password, and its files are private", async () => {
  const server = await startEmbeddedPostgres(dataDir)
  cleanups.push(server.stop)
  const settings = await withClient(server.superuserUrl, (client) =>
    client.query(`select current_setting('listen_addresses') as addresses,
      current_setting('unix_socket_directories') as sockets, current_setting('fsync') as fsync,
      (select datlocprovider::text || ' ' || datlocale from pg_database where datname = 'coatcheck') as locale`),
  )
  expect(settings.rows[0]).toEqual({
    addresses: "127.0.0.1",
    sockets: "",
    fsync: "on",
    locale: "b C.UTF-8",
  })
  const wrong = server.appUrl.replace(/app:[^@]+@/, "app:wrong@")
  await expect(withClient(wrong, async () => {})).rejects.toThrow(/password authentication failed/)
  for (const name of ["connection.json", "owner.lock", "start.lock", "postgres.log"])
    expect(statSync(join(dataDir, "database", name)).mode & 0o077, name).toBe(0)
})

test.skipIf(!isRoot)("as root the server runs under another account", async () => {
  const server = await startEmbeddedPostgres(dataDir)
  cleanups.push(server.stop)
  expect(statSync(`/proc/${server.pid}`).uid).not.toBe(0)
})

test.skipIf(!isRoot)("a folder only root can enter is kept out of the server's way", async () => {
  const dataDir = makeDataDir(0o700)
  const server = await startEmbeddedPostgres(dataDir)
  const { folder } = JSON.parse(readFileSync(join(dataDir, "database", "location.json"), "utf8"))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  cleanups.push(server.stop)
  expect(existsSync(join(folder, "cluster"))).toBe(true)
  expect(existsSync(join(dataDir, "database", "cluster"))).toBe(false)
  const again = await startEmbeddedPostgres(dataDir)
  expect(again.pid).toBe(server.pid)
})

test.skipIf(
  !isRoot || !isReachable(process.execPath, nobody) || !isReachable(import.meta.dirname, nobody),
)("works as an ordinary user, who cannot open root's folder", async () => {
  const theirsDir = makeDataDir()
  chownSync(theirsDir, nobody.uid, nobody.gid)
  const theirs = await startElsewhere(theirsDir, nobody)
  expect(theirs.error).toBeUndefined()
  expect(statSync(`/proc/${theirs.pid}`).uid).toBe(nobody.uid)

  const refused = await startElsewhere(dataDir, nobody)
  expect(refused.error).toMatch(/this user may not use that folder/)
})
