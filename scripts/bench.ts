import { fork, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { Agent, request } from "node:http"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { brotliCompressSync } from "node:zlib"
import { openSession, openShop, wideLimits } from "../e2e/counter.ts"
import {
  type Deployment,
  findFreePorts,
  requireBuild,
  startDeployment,
  waitUntilHealthy,
} from "../e2e/deployment.ts"

// `npm run bench`: the figures this project promises, each beside what the same machine does in the same
// run. It prints and judges; it is not a test, because another machine's noise must not fail a build.

const root = join(import.meta.dirname, "..")
const origin = "http://shop.localhost:4000"
const connections = 16
const requestsARound = 2_000
const rounds = 3

async function main(): Promise<void> {
  const { model } = cpus()[0]!
  console.log(`${cpus().length} × ${model.trim()}, Node ${process.versions.node}\n`)
  const deployment = await startDeployment({ isDurable: true, model: null })
  try {
    await printSizes(deployment)
    await printAdmission(deployment)
    await printLiveCheck(deployment)
  } finally {
    await deployment.stop()
  }
  await printStarts()
  printRetrieval()
}

function print(label: string, figure: string, note: string, isMet?: boolean): void {
  const verdict = isMet === undefined ? "" : isMet ? "  met" : "  MISSED"
  console.log(`${label.padEnd(38)}${figure.padStart(14)}   ${note}${verdict}`)
}

const count = (value: number) => Math.round(value).toLocaleString("en")
const brotli = (bytes: Uint8Array) => brotliCompressSync(bytes).byteLength

async function printSizes(deployment: Deployment): Promise<void> {
  const folder = join(root, "public", "widget")
  const loader = brotli(readFileSync(join(root, "public", "embed.js")))
  const assets = readdirSync(folder)
    .filter((name) => /\.(js|css)$/.test(name))
    .reduce((sum, name) => sum + brotli(readFileSync(join(folder, name))), 0)
  // The document itself, as a live key gets it.
  const shop = await openShop(deployment, { origin })
  const page = await fetch(`${deployment.widgetUrl}/embed?key=${shop.key}`)
  const total = loader + assets + brotli(Buffer.from(await page.text()))
  print("Loader, brotli", `${count(loader)} B`, "≤ 2,000", loader <= 2_000)
  print("Loader + frame until the composer works", `${count(total)} B`, "≤ 35,000", total <= 35_000)
}

type LoadJob = {
  url: string
  method: string
  headers: Record<string, string>
  /** One request each, in order; null sends none. */
  bodies: (string | null)[]
  /** Sends each request from an address of its own. */
  hasAddresses: boolean
  keepsAnswers: boolean
}

type LoadResult = { perSecond: number; p50: number; p95: number; bad: number; answers: string[] }

/** CPU milliseconds a request took of the web process and of the database: neighbours don't blur it. */
type Cost = { web: number; database: number }

/** CPU time of a process so far in ms, with that of children that ended; 0 where there is no /proc. */
function readCpu(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    // Fields 14 to 17 of proc(5), in clock ticks of 10 ms.
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10
  } catch {
    return 0
  }
}

function listChildren(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    return children.trim().split(" ").filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** Runs a job and says what it cost the server, too. */
async function measureLoad(deployment: Deployment, job: LoadJob): Promise<LoadResult & Cost> {
  const { web, database } = deployment.processIds
  const read = () => ({
    web: readCpu(web[0]!),
    database: [database, ...listChildren(database)].reduce((sum, pid) => sum + readCpu(pid), 0),
  })
  const before = read()
  const result = await load(job)
  const after = read()
  const each = (name: "web" | "database") => (after[name] - before[name]) / job.bodies.length
  return { ...result, web: each("web"), database: each("database") }
}

/** In a process of its own, so that the generator does not run on the server's event loop. */
async function load(job: LoadJob): Promise<LoadResult> {
  const child = fork(import.meta.filename, ["load"], { stdio: "inherit" })
  child.send(job)
  const [result] = await once(child, "message")
  return result as LoadResult
}

async function runLoad(job: LoadJob): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const took: number[] = []
  const answers: string[] = []
  let next = 0
  let bad = 0
  const one = (index: number) =>
    new Promise<void>((resolve) => {
      const startedAt = performance.now()
      const body = job.bodies[index] ?? null
      const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
      const headers = {
        ...job.headers,
        ...(job.hasAddresses ? { "x-forwarded-for": address } : {}),
        ...(body === null ? {} : { "content-length": String(Buffer.byteLength(body)) }),
      }
      const sent = request(job.url, { agent, method: job.method, headers }, (response) => {
        const parts: Buffer[] = []
        response.on("data", (part) => parts.push(part))
        response.on("end", () => {
          took.push(performance.now() - startedAt)
          if (response.statusCode !== 200 && response.statusCode !== 201) bad += 1
          if (job.keepsAnswers) answers.push(Buffer.concat(parts).toString("utf8"))
          resolve()
        })
      })
      sent.on("error", () => {
        bad += 1
        resolve()
      })
      sent.end(body ?? undefined)
    })
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < job.bodies.length) await one(next++)
    }),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  took.sort((a, b) => a - b)
  const at = (share: number) => took[Math.floor(took.length * share)] ?? 0
  const result: LoadResult = {
    perSecond: job.bodies.length / seconds,
    p50: at(0.5),
    p95: at(0.95),
    bad,
    answers,
  }
  process.send?.(result, () => process.exit(0))
}

async function printAdmission(deployment: Deployment): Promise<void> {
  const shop = await openShop(deployment, { origin, limits: wideLimits })
  const base = deployment.widgetUrl
  const measure = async (size: number) => {
    const common = { hasAddresses: true, keepsAnswers: false }
    const empty = await measureLoad(deployment, {
      ...common,
      url: `${base}/health`,
      method: "GET",
      headers: {},
      bodies: Array(size).fill(null),
    })
    const ticket = await measureLoad(deployment, {
      ...common,
      url: `${base}/api/embed/ticket`,
      method: "POST",
      headers: { "content-type": "text/plain", origin },
      bodies: Array(size).fill(JSON.stringify({ key: shop.key })),
      keepsAnswers: true,
    })
    const session = await measureLoad(deployment, {
      ...common,
      url: `${base}/api/embed/session`,
      method: "POST",
      headers: { "content-type": "application/json", origin: base },
      bodies: ticket.answers.map((answer) => JSON.stringify({ ticket: JSON.parse(answer).ticket })),
    })
    return { empty, ticket, session }
  }
  await measure(500)
  const results: Awaited<ReturnType<typeof measure>>[] = []
  for (let round = 0; round < rounds; round++) results.push(await measure(requestsARound))
  const middle = (name: "empty" | "ticket" | "session") =>
    results.map((result) => result[name]).sort((a, b) => a.perSecond - b.perSecond)[
      Math.floor(rounds / 2)
    ]!
  const empty = middle("empty")
  const cost = ({ web, database, p95 }: Cost & { p95: number }) =>
    `p95 ${p95.toFixed(1)} ms, CPU ${web.toFixed(2)} web + ${database.toFixed(2)} database ms`
  print("Empty route", `${count(empty.perSecond)} /s`, `${cost(empty)}: the baseline`)
  for (const name of ["ticket", "session"] as const) {
    const figure = middle(name)
    const share = figure.perSecond / empty.perSecond
    const note = `${share.toFixed(2)} of the empty route (≥ 0.35), ${cost(figure)}`
    print(`POST /api/embed/${name}`, `${count(figure.perSecond)} /s`, note, share >= 0.35)
    if (figure.bad > 0) print("", `${figure.bad} refused`, "the figure above is void", false)
  }
}

/** The one query that every visitor's request makes, beside a query that does nothing. */
async function printLiveCheck(deployment: Deployment): Promise<void> {
  const shop = await openShop(deployment, { origin, limits: wideLimits })
  const { sessionId } = await openSession(deployment, shop)
  Object.assign(process.env, deployment.database.env, { LOG_LEVEL: "silent" })
  const { findLiveSessions } = await import("#lib/tenancy/directory.ts")
  const { callDefiner, disconnect } = await import("#lib/tenancy/database.ts")
  const time = async (work: () => Promise<unknown>) => {
    const took: number[] = []
    for (let i = 0; i < 3_500; i++) {
      const startedAt = performance.now()
      await work()
      if (i >= 500) took.push(performance.now() - startedAt)
    }
    took.sort((a, b) => a - b)
    return { p50: took[1_500]!, p95: took[2_850]! }
  }
  const empty = await time(() => callDefiner("bench_empty", "select $1::int as one", [1]))
  const live = await time(() => findLiveSessions([sessionId]))
  await disconnect()
  const ms = ({ p50, p95 }: { p50: number; p95: number }) =>
    `${p50.toFixed(2)} / ${p95.toFixed(2)} ms`
  print("Empty query, p50 / p95", ms(empty), "the baseline")
  const added = live.p95 - empty.p95
  print("Live check, p50 / p95", ms(live), `adds ${added.toFixed(2)} ms at p95 (≤ 2)`, added <= 2)
}

/** `npm start` twice on one data folder: until the server answers. */
async function printStarts(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "coatcheck-bench-"))
  chmodSync(dataDir, 0o711)
  try {
    const first = await timeStart(dataDir)
    const second = await timeStart(dataDir)
    print("First start, empty folder", `${first.toFixed(2)} s`, "database made, migrated, served")
    print("Second start", `${second.toFixed(2)} s`, "≤ 5", second <= 5)
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function timeStart(dataDir: string): Promise<number> {
  const [port] = await findFreePorts(1)
  const startedAt = performance.now()
  const child = spawn(process.execPath, [join(root, "runtime", "start.ts")], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env.PATH ?? "",
      NODE_ENV: "production",
      DATA_DIR: dataDir,
      PORT: String(port),
      HOST: "127.0.0.1",
      LOG_LEVEL: "error",
    },
  })
  child.stdout.resume()
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
  await waitUntilHealthy(`http://127.0.0.1:${port}`, {
    process: child,
    log: () => "",
    exited,
    stop: async () => {},
  })
  const seconds = (performance.now() - startedAt) / 1_000
  child.kill("SIGTERM")
  await exited
  return seconds
}

function printRetrieval(): void {
  const program = join(import.meta.dirname, "bench-retrieval.ts")
  if (!existsSync(program)) return
  console.log("")
  const { status } = spawnSync(process.execPath, [program], { cwd: root, stdio: "inherit" })
  if (status !== 0) process.exitCode = 1
}

if (process.argv[2] === "load") {
  process.once("message", (job) => void runLoad(job as LoadJob))
} else {
  requireBuild()
  await main()
}
