import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { withClient } from "../runtime/database-roles.ts"
import { prepareEnvironment } from "../runtime/environment.ts"
import { type FakeModel, listenOnLoopback, startFakeModel } from "./fake-model.ts"

// A real deployment out of the built app: one database, several web processes, the worker, and a model
// that follows a script. Everything listens on random loopback ports.

const root = join(import.meta.dirname, "..")
const followParent = pathToFileURL(join(root, "runtime", "follow-parent.ts")).href

export type Program = {
  process: ChildProcess
  /** All that it wrote, both streams. */
  log(): string
  exited: Promise<number | null>
  stop(): Promise<void>
}

export type Database = {
  env: Record<string, string>
  ownerUrl: string
  appUrl: string
  superuserUrl: string
  dataDir: string
  readPid(): Promise<number>
  /** Ends the server at once, as a crash of its machine would. */
  kill(): Promise<void>
  /** Starts it again on the same folder and port. */
  revive(): Promise<void>
  stop(): Promise<void>
}

export type Deployment = {
  /** The console's origin, on the first process. */
  appUrl: string
  /** The widget's origin, on the first process. */
  widgetUrl: string
  /** One address for each web process; all of them share the database. */
  processUrls: string[]
  masterKey: string
  model: FakeModel
  database: Database
  /** Of the web processes and of the database server, for whoever counts what they use. */
  processIds: { web: number[]; database: number }
  /** What a further process would need to join. */
  env: Record<string, string>
  /** Everything that every process has logged so far. */
  logs(): string
  stop(): Promise<void>
}

export type DeploymentOptions = {
  webCount?: number
  /** Null: no model at all, the product answers by quoting. */
  model?: "fake" | null
  /** Where the database's folder is made; the system's folder for temporary files by default. */
  folder?: string
  /** Flushes every commit to disk, as a real one does; tests have no power cut to survive. */
  isDurable?: boolean
  env?: Record<string, string>
  /** Another worker than production's: its entry file and what it is told. */
  worker?: { path: string; args: string[] }
  /** Fills the database before anything is served; what it returns joins the environment. */
  prepare?: (env: Record<string, string>) => Promise<Record<string, string>>
}

export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  requireBuild()
  const model = await startFakeModel()
  const database = await createDatabase(options)
  const programs: Program[] = []
  const stop = async () => {
    await Promise.all(programs.map((program) => program.stop()))
    await database.stop()
    await model.stop()
  }
  try {
    const ports = await findFreePorts(options.webCount ?? 1)
    const env = composeEnvironment(database, model, ports[0]!, options)
    Object.assign(env, await options.prepare?.(env))
    const { path, args } = options.worker ?? { path: "runtime/worker.ts", args: [] }
    programs.push(startProgram(path, env, args))
    for (const port of ports) programs.push(startWeb(env, port))
    await Promise.all(
      ports.map((port, i) => waitUntilHealthy(`http://127.0.0.1:${port}`, programs[i + 1]!)),
    )
    return {
      appUrl: env.APP_URL!,
      widgetUrl: env.WIDGET_URL!,
      processUrls: ports.map((port) => `http://127.0.0.1:${port}`),
      masterKey: env.MASTER_API_KEY!,
      model,
      database,
      processIds: {
        web: programs.slice(1).map((program) => program.process.pid!),
        database: await database.readPid(),
      },
      env,
      logs: () => programs.map((program) => program.log()).join("\n"),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A migrated cluster in a fresh folder. Test data need not survive a power cut; a bench must pay for it. */
async function createDatabase({ isDurable, folder }: DeploymentOptions): Promise<Database> {
  const dataDir = mkdtempSync(join(folder ?? tmpdir(), "coatcheck-e2e-"))
  // mkdtemp makes it private, and as root the server runs under another account.
  chmodSync(dataDir, 0o711)
  let prepared = await prepareEnvironment({ dataDir })
  const { env, ownerUrl, superuserUrl } = prepared
  if (!isDurable)
    await withClient(superuserUrl, async (client) => {
      for (const setting of ["fsync", "full_page_writes", "synchronous_commit"])
        await client.query(`alter system set ${setting} = off`)
      await client.query("select pg_reload_conf()")
    })
  const readPid = () =>
    withClient(superuserUrl, async (client) => {
      const { rows } = await client.query("select pg_read_file('postmaster.pid') as content")
      return Number(rows[0].content.split("\n")[0])
    })
  return {
    env,
    ownerUrl,
    superuserUrl,
    appUrl: env.DATABASE_URL ?? "",
    dataDir,
    readPid,
    async kill() {
      process.kill(await readPid(), "SIGQUIT")
    },
    async revive() {
      await prepared.stop()
      prepared = await prepareEnvironment({ dataDir })
    },
    async stop() {
      await prepared.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export function requireBuild(): void {
  if (!existsSync(join(root, ".next", "BUILD_ID")))
    throw new Error("There is no build yet. Run npm run build first.")
}

function composeEnvironment(
  database: Database,
  model: FakeModel,
  port: number,
  options: DeploymentOptions,
): Record<string, string> {
  const modelEnv: Record<string, string> =
    options.model === null
      ? {}
      : {
          MODEL_PROVIDER: "openai-compatible",
          MODEL_BASE_URL: model.url,
          MODEL_API_KEY: "model-key-that-must-stay-inside",
          MODEL_NAME: "scripted-1",
          MODEL_PRICE: "input=15,output=60",
        }
  return {
    PATH: process.env.PATH ?? "",
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    ...database.env,
    HOST: "127.0.0.1",
    APP_URL: `http://localhost:${port}`,
    WIDGET_URL: `http://127.0.0.1:${port}`,
    NEXTAUTH_URL: `http://localhost:${port}`,
    MASTER_API_KEY: "master-key-of-the-end-to-end-deployment",
    // Lets each test be a client of its own: limits count by address.
    TRUSTED_PROXY_COUNT: "1",
    LOG_LEVEL: "info",
    ...modelEnv,
    ...options.env,
  }
}

export function startWeb(env: Record<string, string>, port: number): Program {
  return startProgram("runtime/web.ts", { ...env, PORT: String(port) })
}

/** A program of ours with its output kept; it ends with this process, kill -9 included. */
export function startProgram(
  path: string,
  env: Record<string, string>,
  args: string[] = [],
): Program {
  const child = spawn(process.execPath, [`--import=${followParent}`, join(root, path), ...args], {
    cwd: root,
    env: env as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  })
  const output: string[] = []
  child.stdout?.on("data", (chunk) => output.push(String(chunk)))
  child.stderr?.on("data", (chunk) => output.push(String(chunk)))
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", resolve)
    child.once("error", () => resolve(1))
  })
  return {
    process: child,
    log: () => output.join(""),
    exited,
    async stop() {
      child.kill("SIGTERM")
      // Answers still open get ten seconds from the server itself; a test does not wait for them.
      const timer = setTimeout(() => child.kill("SIGKILL"), 1_500)
      await exited
      clearTimeout(timer)
    },
  }
}

export async function waitUntilHealthy(url: string, program: Program): Promise<void> {
  const deadline = Date.now() + 60_000
  let hasEnded = false
  program.exited.then(() => {
    hasEnded = true
  })
  while (!hasEnded && Date.now() < deadline) {
    const answer = await fetch(`${url}/health`).catch(() => null)
    await answer?.body?.cancel()
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${url} did not come up:\n${program.log().slice(-4_000)}`)
}

/** Ports that were free a moment ago, all different. */
export async function findFreePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      return { server, port: await listenOnLoopback(server) }
    }),
  )
  await Promise.all(probes.map(({ server }) => new Promise((resolve) => server.close(resolve))))
  return probes.map(({ port }) => port)
}
