import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { findServiceUser } from "./service-user.ts"

export type Pooler = {
  /** The same database through the pooler. */
  url: string
  stop(): Promise<void>
}

export const hasPgBouncer = (): boolean =>
  spawnSync("pgbouncer", ["--version"], { stdio: "ignore" }).status === 0

/** A PgBouncer in transaction mode before the database of `databaseUrl`, with few server connections to share. */
export async function startPooler(databaseUrl: string, serverConnections = 6): Promise<Pooler> {
  const target = new URL(databaseUrl)
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-pooler-"))
  const port = await findFreePort()
  const user = decodeURIComponent(target.username)
  const password = decodeURIComponent(target.password)
  writeFileSync(join(folder, "users.txt"), `"${user}" "${password}"\n`)
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    `[databases]
* = host=${target.hostname} port=${target.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, "users.txt")}
pool_mode = transaction
default_pool_size = ${serverConnections}
max_client_conn = 500
`,
  )
  // It refuses to run as root, as the database server does.
  const account = findServiceUser(null)
  if (account)
    for (const path of [folder, join(folder, "users.txt"), join(folder, "pgbouncer.ini")])
      chownSync(path, account.uid, account.gid)
  chmodSync(folder, 0o700)
  const server: ChildProcess = spawn("pgbouncer", [join(folder, "pgbouncer.ini")], {
    stdio: "ignore",
    ...(account ?? {}),
  })
  const deadline = Date.now() + 10_000
  while (!(await canConnect(port))) {
    if (Date.now() > deadline || server.exitCode !== null)
      throw new Error("pgbouncer did not come up")
    await delay(20)
  }
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${port}`
  url.searchParams.set("pgbouncer", "true")
  return {
    url: url.href,
    async stop() {
      if (server.exitCode === null && server.signalCode === null) {
        server.kill("SIGKILL")
        await once(server, "exit")
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1")
  await once(probe, "listening")
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, "close")
  return port
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once("connect", () => end(true))
    socket.once("error", () => end(false))
  })
}
