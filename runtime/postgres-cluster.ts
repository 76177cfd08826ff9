import { spawn } from "node:child_process"
import { chownSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Binaries, describeSpawnError, serverEnvironment } from "./postgres-binaries.ts"
import type { ServiceUser } from "./service-user.ts"

/** Makes a cluster in a temporary folder and renames it: a crash never leaves half of one. */
export async function initCluster(
  folder: string,
  options: { binaries: Binaries; user: ServiceUser; superuserPassword: string },
): Promise<void> {
  const { binaries, user, superuserPassword } = options
  const cluster = join(folder, "cluster")
  const staging = join(folder, "cluster.new")
  const passwordFile = join(folder, "cluster.password")
  rmSync(staging, { recursive: true, force: true })
  mkdirSync(staging, { mode: 0o700 })
  rmSync(passwordFile, { force: true })
  writeFileSync(passwordFile, superuserPassword, { mode: 0o600 })
  if (user) for (const path of [staging, passwordFile]) chownSync(path, user.uid, user.gid)
  try {
    await runInitdb(binaries, user, [
      ...["--pgdata", staging, "--username", "postgres", "--pwfile", passwordFile],
      ...["--auth", "scram-sha-256", "--encoding", "UTF8"],
      ...["--locale-provider", "builtin", "--locale", "C.UTF-8"],
      ...["--set", "timezone=UTC", "--set", "log_timezone=UTC"],
    ])
  } finally {
    rmSync(passwordFile, { force: true })
  }
  // Loopback only, passwords only, and no replication.
  const access = "# Written by Coatcheck.\nhost all all 127.0.0.1/32 scram-sha-256\n"
  writeFileSync(join(staging, "pg_hba.conf"), access)
  renameSync(staging, cluster)
}

async function runInitdb(binaries: Binaries, user: ServiceUser, args: string[]): Promise<void> {
  const child = spawn(binaries.initdb, args, {
    ...user,
    cwd: "/",
    env: serverEnvironment(binaries),
    stdio: ["ignore", "pipe", "pipe"],
  })
  let output = ""
  child.stdout.on("data", (text) => {
    output += text
  })
  child.stderr.on("data", (text) => {
    output += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (error) => reject(describeSpawnError(error)))
    child.once("close", resolve)
  })
  if (code !== 0) throw new Error(`initdb could not create the database:\n${output.trim()}`)
}
