import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { pathToFileURL } from "node:url"
import { Client } from "pg"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { addFileSource, addTextSource } from "#lib/knowledge/add-sources.ts"
import { makePdf } from "#lib/knowledge/pdf.fixture.ts"
import { getSource, listSources } from "#lib/knowledge/queries.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { type MadeTenant, makeBot, makeTenant } from "#prisma/factories.ts"
import { GET as askReady } from "../app/ready/route.ts"
import { startWorker as startSupervised } from "./supervisor.ts"
import { type ClonedDatabase, cloneDatabase } from "./test-database.ts"

// A database of its own: a worker reads whatever is queued, other tests' sources included.
let clone: ClonedDatabase
let tenant: MadeTenant
let botId: string
let worker: ChildProcess | undefined

beforeAll(async () => {
  clone = await cloneDatabase()
  env.DATABASE_URL = clone.appUrl
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
})

afterEach(async () => {
  if (worker) await killWorker(worker)
})

afterAll(async () => {
  await disconnect()
  await clone.drop()
})

async function startWorker(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "worker.ts")], {
    cwd: join(import.meta.dirname, ".."),
    env: { ...process.env, DATABASE_URL: clone.appUrl, LOG_LEVEL: "info", NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  })
  worker = child
  for await (const part of child.stdout!) if (String(part).includes("worker ready")) break
  return child
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  return child.exitCode
}

async function waitFor(isDone: (statuses: string[]) => boolean, id = botId): Promise<void> {
  for (;;) {
    const { data } = await listSources(tenant.scope, id, { limit: 200 })
    if (isDone(data.map(({ status }) => status))) return
    await delay(20)
  }
}

test("D17 a worker killed in the middle leaves no duplicate and no ghost, and the next one finishes", async () => {
  for (let i = 0; i < 12; i++) {
    await addTextSource(tenant.scope, botId, {
      title: `Text ${i}`,
      text: `Shared word, number ${i}.`,
    })
  }
  const bytes = makePdf([["A page that takes a process of its own to read."]])
  const file = { fileName: "a.pdf", mediaType: "application/pdf", bytes }
  for (let i = 0; i < 4; i++) await addFileSource(tenant.scope, botId, file)

  const first = await startWorker()
  await waitFor((statuses) => statuses.includes("ready") && statuses.includes("processing"))
  first.kill("SIGKILL")
  await ended(first)

  await startWorker()
  await waitFor((statuses) => statuses.every((status) => status === "ready"))
  const facts = await withTenant(tenant.scope, async (tx) => {
    const [row] = await tx.$queryRaw<{ chunks: number; sources: number; wrong: number }[]>`
      select count(*)::int as chunks, count(distinct source_id)::int as sources,
        (select count(*)::int from
          (select w.lexeme, count(*) as n from chunks c, unnest(c.tsv) w group by w.lexeme) real
          full join bot_terms t on t.term = real.lexeme
          where real.n is distinct from t.chunk_count) as wrong
      from chunks`
    return row
  })
  expect(facts).toEqual({ chunks: 16, sources: 16, wrong: 0 })
}, 90_000)

async function connectAdmin(): Promise<Client> {
  const url = new URL(process.env.TEST_SUPERUSER_URL ?? "")
  url.pathname = new URL(clone.appUrl).pathname
  const admin = new Client({ connectionString: url.href })
  await admin.connect()
  return admin
}

/** Starts a worker and kills it when it has all of a source's text and waits to publish it. */
async function killWhilePublishing(): Promise<void> {
  const [holder, watcher] = [await connectAdmin(), await connectAdmin()]
  try {
    await holder.query("begin")
    await holder.query("select 1 from bots where id = $1 for update", [botId])
    const child = await startWorker()
    // On a connection of its own: inside a transaction the view would never change.
    for (;;) {
      const { rows } = await watcher.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
      if (rows.length > 0) break
      await delay(20)
    }
    await killWorker(child)
    await holder.query("commit")
  } finally {
    await Promise.all([holder.end(), watcher.end()])
  }
}

async function killWorker(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL")
  await ended(child)
}

const longPdf = () =>
  makePdf(Array.from({ length: 60 }, (_, i) => [`Page ${i} of a longer story about page ${i}.`]))

test("D17 a file whose worker is killed each time, just before it publishes, is given up after three with a sentence, and holds nobody up", async () => {
  const file = { fileName: "poison.pdf", mediaType: "application/pdf", bytes: longPdf() }
  const { id } = await addFileSource(tenant.scope, botId, file)
  const countChunks = () =>
    withTenant(tenant.scope, (tx) => tx.chunk.count({ where: { sourceId: id } }))
  for (let i = 0; i < 3; i++) {
    await killWhilePublishing()
    expect(await countChunks()).toBe(0)
  }
  const next = await addTextSource(tenant.scope, botId, { title: "Next", text: "Somebody else's." })
  await startWorker()
  await waitFor((statuses) => statuses.every((status) => ["ready", "failed"].includes(status)))
  expect(await getSource(tenant.scope, id)).toMatchObject({
    status: "failed",
    error: expect.stringMatching(/failed three times/),
    chunkCount: 0,
  })
  expect((await getSource(tenant.scope, next.id)).status).toBe("ready")
}, 240_000)

/** What goes wrong inside a worker on a signal, loaded into the real program. */
const faults = {
  "an unhandled rejection": `Promise.reject(new Error("nobody caught this"))`,
  "running out of memory": `const hoard = []; for (;;) hoard.push(new Array(1e6).fill("x" + hoard.length))`,
}

test.each(Object.entries(faults))(
  "C17 %s ends a worker; within five seconds another is there, /ready tells, and what was queued is read",
  async (_, fault) => {
    const bot = await makeBot(tenant.scope)
    const folder = mkdtempSync(join(tmpdir(), "coatcheck-fault-"))
    const pidFile = join(folder, "pid")
    const preload = join(folder, "fault.mjs")
    writeFileSync(
      preload,
      `import { writeFileSync } from "node:fs"
      if (process.argv[1]?.endsWith("worker.ts")) {
        writeFileSync(${JSON.stringify(pidFile)}, String(process.pid))
        process.on("SIGUSR2", () => { ${fault} })
      }`,
    )
    const supervised = startSupervised({
      ...(process.env as Record<string, string>),
      DATABASE_URL: clone.appUrl,
      LOG_LEVEL: "silent",
      NODE_OPTIONS: `--max-old-space-size=200 --import=${pathToFileURL(preload).href}`,
    })
    const readReadiness = async () => {
      const request = new Request("http://localhost/ready")
      const answer = await askReady(request, { params: Promise.resolve({}) })
      return `${answer.status} ${((await answer.json()) as { worker: string }).worker}`
    }
    try {
      await expect.poll(readReadiness, { timeout: 20_000 }).toBe("200 ready")
      const first = Number(readFileSync(pidFile, "utf8"))
      for (let i = 0; i < 10; i++)
        await addTextSource(tenant.scope, bot.id, {
          title: `After ${i}`,
          text: `Some words, ${i}.`,
        })
      process.kill(first, "SIGUSR2")
      await expect.poll(readReadiness, { timeout: 20_000, interval: 20 }).toBe("200 away")
      const awayAt = performance.now()
      await expect
        .poll(() => Number(readFileSync(pidFile, "utf8")), { timeout: 20_000, interval: 20 })
        .not.toBe(first)
      expect(performance.now() - awayAt).toBeLessThan(5_000)
      await expect.poll(readReadiness, { timeout: 20_000, interval: 50 }).toBe("200 ready")
      await waitFor((statuses) => statuses.every((status) => status === "ready"), bot.id)
    } finally {
      await supervised.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
  90_000,
)

test("SIGTERM ends a worker cleanly, in time", async () => {
  const child = await startWorker()
  child.kill("SIGTERM")
  expect(await ended(child)).toBe(0)
}, 30_000)

test("a worker does not outlive its parent", async () => {
  const child = await startWorker()
  child.disconnect()
  expect(await ended(child)).toBe(1)
}, 30_000)
