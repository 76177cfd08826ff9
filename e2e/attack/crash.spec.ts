import { readdirSync, readFileSync } from "node:fs"
import {
  ask,
  call,
  openSession,
  openShop,
  type Part,
  readParts,
  returnsQuestion,
  type Session,
  type Shop,
  sendMessage,
  wideLimits,
} from "../counter.ts"
import {
  type Deployment,
  findFreePorts,
  type Program,
  startDeployment,
  startWeb,
  waitUntilHealthy,
} from "../deployment.ts"
import { scripts } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"
import { withDatabase } from "../walls/two-tenants.ts"
import { isLong, rounds } from "./rounds.ts"

// What breaks: processes that stop or die, a database that goes, a provider that refuses, more work than fits.
// A deployment of its own, whose database is killed under it; each test brings web processes of its own.

test.describe.configure({ mode: "serial" })

let deployment: Deployment
test.beforeAll(async () => {
  test.setTimeout(90_000)
  deployment = await startDeployment({ isDurable: true })
})
test.afterAll(() => deployment?.stop())

const question = returnsQuestion
const patient = { limits: { ...wideLimits, streamsPerSession: 1 } }

/** Further web processes on the same database, and `work` with their addresses; they are stopped afterwards. */
async function withWebs<T>(
  count: number,
  work: (webs: { url: string; port: number; program: Program }[]) => Promise<T>,
): Promise<T> {
  const ports = await findFreePorts(count)
  const webs = ports.map((port) => ({
    url: `http://127.0.0.1:${port}`,
    port,
    program: startWeb(deployment.env, port),
  }))
  try {
    await Promise.all(webs.map(({ url, program }) => waitUntilHealthy(url, program)))
    return await work(webs)
  } finally {
    await Promise.all(webs.map(({ program }) => program.stop()))
  }
}

const at = (...processUrls: string[]) => ({ processUrls })

type Thread = { messages: { id: string; role: string; text: string; status: string }[] }

async function readThreads(shop: Shop): Promise<Thread["messages"][]> {
  const { body } = await shop.api<{ data: { id: string }[] }>("/v1/conversations?limit=200")
  const threads = []
  for (const { id } of body.data)
    threads.push((await shop.api<Thread>(`/v1/conversations/${id}`)).body.messages)
  return threads
}

async function collect(response: Response): Promise<Part[]> {
  const parts: Part[] = []
  for await (const part of readParts(response)) parts.push(part)
  return parts
}

const typesOf = (parts: Part[]) => parts.map(({ type }) => type)

test("C02 a web process that is told to stop refuses what is new, lets answers end, and cuts the endless ones cleanly", async () => {
  test.setTimeout(90_000)
  const shop = await openShop(deployment, patient)
  await withWebs(1, async ([web]) => {
    const here = at(web!.url)
    const start = async (script: string) => {
      const { token } = await openSession(deployment, shop)
      const response = await sendMessage(here, token, `${question} ${script}`)
      return { response, parts: collect(response) }
    }
    const [brisk, slow, endless] = [
      await start(scripts.brisk),
      await start(scripts.slow),
      await start(scripts.endless),
    ]
    const late = await openSession(deployment, shop)
    await deployment.model.waitForCall(scripts.endless, ({ tokensSent }) => tokensSent > 3)
    web!.program.process.kill("SIGTERM")
    const toldAt = performance.now()

    await expect
      .poll(async () => (await call(here, "/ready")).status, { timeout: 5_000, intervals: [20] })
      .toBe(503)
    const refused = await sendMessage(here, late.token, question)
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"])

    for (const { parts } of [brisk, slow]) expect(typesOf(await parts)).toContain("finish")
    const cut = await endless.parts
    expect(typesOf(cut)).not.toContain("finish")
    expect(cut.find(({ type }) => type === "data-problem")?.data).toMatchObject({
      code: "unavailable",
    })
    expect(await web!.program.exited).toBe(0)
    expect(performance.now() - toldAt).toBeLessThan(30_000)
  })
  const threads = await readThreads(shop)
  expect(threads.map((messages) => messages.at(-1)?.status).sort()).toEqual([
    "complete",
    "complete",
    "interrupted",
  ])
})

test("C11 two processes restarted in turn during many chats lose no message and answer none twice", async () => {
  const visitors = rounds(10, 50)
  const each = rounds(16, 200)
  test.setTimeout(120_000 + visitors * each * 250)
  const shop = await openShop(deployment, patient)
  const sessions = await Promise.all(
    Array.from({ length: visitors }, () => openSession(deployment, shop)),
  )
  await withWebs(2, async (webs) => {
    const urls = webs.map(({ url }) => url)
    let isOver = false
    const restarting = (async () => {
      let restarts = 0
      for (; !isOver; restarts++) {
        const web = webs[restarts % 2]!
        web.program.process.kill("SIGTERM")
        await web.program.exited
        web.program = startWeb(deployment.env, web.port)
        await waitUntilHealthy(web.url, web.program)
      }
      return restarts
    })()
    const chat = async ({ token: first, visitorSecret }: Session, visitor: number) => {
      let token = first
      for (let i = 0; i < each; i++) {
        // Tokens live five minutes, long runs longer.
        if (i > 0 && i % 50 === 0)
          token = (await openSession(deployment, shop, { visitorSecret })).token
        await askUntilAnswered(urls, token, `${question} ${visitor}-${i}`, `m-${i}`, visitor + i)
      }
    }
    await Promise.all(sessions.map(chat)).finally(() => {
      isOver = true
    })
    expect(await restarting).toBeGreaterThanOrEqual(2)
  })
  const counted = await withDatabase(deployment, (client) =>
    client.query<{ role: string; status: string; count: number; texts: number }>(
      `select role, status, count(*)::int, count(distinct (visitor_id, client_message_id))::int as texts
       from messages where tenant_id = $1 group by 1, 2 order by 1`,
      [shop.tenantId],
    ),
  )
  const all = visitors * each
  expect(counted.rows).toEqual([
    { role: "assistant", status: "complete", count: all, texts: all },
    { role: "user", status: "complete", count: all, texts: all },
  ])
})

/** What a patient client does: the other process when one refuses or breaks off, the same message id all along. */
async function askUntilAnswered(
  urls: string[],
  token: string,
  text: string,
  clientMessageId: string,
  start: number,
): Promise<void> {
  for (let attempt = start; attempt < start + 200; attempt++) {
    const there = at(urls[attempt % urls.length]!)
    try {
      const response = await sendMessage(there, token, text, { clientMessageId })
      if (response.status === 200 && typesOf(await collect(response)).includes("finish")) return
      if (![200, 409, 429, 503].includes(response.status))
        throw new Error(`${response.status} ${await response.text()}`)
    } catch (error) {
      // Refused or reset: the process is between two lives.
      if (!(error instanceof TypeError)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never answered: ${text}`)
}

test("C15 a visitor who comes back after a cut gets the same final text, once", async () => {
  const shop = await openShop(deployment, patient)
  const session = await openSession(deployment, shop)
  const cut = new AbortController()
  const options = { clientMessageId: "m-1" }
  const text = `${question} ${scripts.brisk}`
  const first = await sendMessage(deployment, session.token, text, {
    ...options,
    signal: cut.signal,
  })
  const seen: Part[] = []
  await (async () => {
    for await (const part of readParts(first)) {
      seen.push(part)
      if (seen.length > 12) cut.abort()
    }
  })().catch(() => {})
  const again = async () => {
    const response = await sendMessage(deployment, session.token, text, {
      ...options,
      headers: { "last-event-id": "12" },
    })
    return response.status === 200 ? collect(response) : null
  }
  let answered: Part[] | null = null
  await expect
    .poll(async () => {
      answered = await again()
      return answered !== null
    })
    .toBe(true)
  const read = (parts: Part[]) =>
    parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("")
  const whole = read(answered!)
  expect(typesOf(answered!).filter((type) => type === "finish")).toHaveLength(1)
  expect(read((await again())!)).toBe(whole)
  const [messages] = await readThreads(shop)
  expect(messages!.map(({ role, status }) => `${role} ${status}`)).toEqual([
    "user complete",
    "assistant complete",
  ])
  expect(messages![1]!.text).toBe(whole)
  expect(whole.startsWith(read(seen))).toBe(true)
})

test("C08 a provider that answers 429 is asked at most twice a message and then left alone: quotes come at once", async () => {
  const visitors = rounds(10, 20)
  const each = rounds(8, 50)
  test.setTimeout(60_000 + visitors * each * 200)
  const shop = await openShop(deployment, patient)
  const sessions = await Promise.all(
    Array.from({ length: visitors }, () => openSession(deployment, shop)),
  )
  await withWebs(1, async ([web]) => {
    const waits: number[] = []
    const before = deployment.model.calls.length
    await Promise.all(
      sessions.map(async ({ token }, visitor) => {
        for (let i = 0; i < each; i++) {
          const startedAt = performance.now()
          const text = `${question} ${scripts.busy} ${visitor}-${i}.`
          const { parts } = await ask(at(web!.url), token, text)
          waits.push(performance.now() - startedAt)
          expect(parts.find(({ type }) => type === "data-answer")?.data).toMatchObject({
            mode: "quotes",
          })
        }
      }),
    )
    const calls = deployment.model.calls.slice(before)
    const perMessage = Map.groupBy(calls, (one) => one.question)
    expect(Math.max(...[...perMessage.values()].map((list) => list.length))).toBeLessThanOrEqual(2)
    // Those that were under way when it opened, and a try now and then; not one for each message.
    expect(calls.length).toBeLessThan(visitors * 4 + (isLong ? 40 : 0))
    const late = waits.slice(-visitors).sort((a, b) => a - b)
    expect(late[Math.floor(late.length / 2)]).toBeLessThan(1_500)
  })
})

test("C05 with every connection busy callers hear 503 within two seconds, and are served once there is room", async () => {
  test.setTimeout(90_000)
  const shop = await openShop(deployment, patient)
  const { token } = await openSession(deployment, shop)
  const authorization = `Bearer ${token}`
  await withWebs(1, async ([web]) => {
    const here = at(web!.url)
    const read = async () => {
      const startedAt = performance.now()
      const answer = await call(here, "/api/embed/conversation", { headers: { authorization } })
      const { status, headers } = answer
      return { status, waitedMs: performance.now() - startedAt, retry: headers.get("retry-after") }
    }
    expect((await read()).status).toBe(200)
    const slow = await withDatabase(deployment, async (client) => {
      // Each of the pool's ten connections waits behind this lock, as behind a slow query.
      await client.query("begin; lock table visitors in access exclusive mode")
      const waiting = Array.from({ length: 10 }, read)
      await expect
        .poll(async () => {
          const { rows } = await client.query(
            "select count(*)::int as n from pg_locks where not granted",
          )
          return rows[0].n
        })
        .toBeGreaterThanOrEqual(10)
      const refused = await Promise.all(Array.from({ length: rounds(60, 190) }, read))
      await client.query("rollback")
      expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 503))
      expect(new Set(refused.map(({ retry }) => retry))).toEqual(new Set(["2"]))
      expect(Math.max(...refused.map(({ waitedMs }) => waitedMs))).toBeLessThan(2_000)
      return waiting
    })
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual(slow.map(() => 200))
    expect((await read()).status).toBe(200)
  })
})

const readFds = (pid: number) => readdirSync(`/proc/${pid}/fd`).length
const readRssMb = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024
const readPeakMb = (pid: number) =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024

test("C16 far more large uploads at once than fit are refused, and the process goes on", async () => {
  const uploads = rounds(60, 200)
  test.setTimeout(180_000)
  const shop = await openShop(deployment, patient)
  const megabytes = new Uint8Array(10 * 1024 * 1024).fill(0x20)
  const file = new File([megabytes], "blank.txt", { type: "text/plain" })
  await withWebs(1, async ([web]) => {
    const pid = web!.program.process.pid!
    const restingMb = readRssMb(pid)
    const statuses = await Promise.all(
      Array.from({ length: uploads }, async () => {
        const form = new FormData()
        form.set("file", file)
        const response = await fetch(`${web!.url}/v1/bots/${shop.botId}/sources`, {
          method: "POST",
          headers: { authorization: `Bearer ${shop.secretKey}` },
          body: form,
        }).catch(() => null)
        await response?.body?.cancel().catch(() => {})
        // A refusal before the body is read may reach a client that is still sending as a broken line.
        return response?.status ?? 429
      }),
    )
    // Blank files are refused for what they are, once they were read: nothing is left for the worker.
    // 503: on a slow machine some wait too long even for the question whose key it is.
    for (const status of statuses) expect([202, 413, 422, 429, 503]).toContain(status)
    expect(statuses.filter((status) => status === 429 || status === 503).length).toBeGreaterThan(
      uploads / 4,
    )
    expect(readPeakMb(pid) - restingMb).toBeLessThan(400)
    expect((await call(at(web!.url), "/health")).status).toBe(200)
    const { token } = await openSession(deployment, shop)
    expect((await ask(at(web!.url), token, question)).types).toContain("finish")
  })
})

test("C18 under steady load with bursts memory, descriptors and waiting times stay where they were", async () => {
  const seconds = rounds(16, 600)
  test.setTimeout(90_000 + seconds * 1_500)
  const shop = await openShop(deployment, patient)
  await withWebs(1, async ([web]) => {
    const pid = web!.program.process.pid!
    const here = at(web!.url)
    const sessions = await Promise.all(
      Array.from({ length: 8 }, () => openSession(deployment, shop)),
    )
    const waits: number[] = []
    const load = async (forSeconds: number) => {
      const until = performance.now() + forSeconds * 1_000
      while (performance.now() < until) {
        // A burst of eight, then two at a time.
        for (const crowd of [sessions, sessions.slice(0, 2), sessions.slice(2, 4)])
          await Promise.all(
            crowd.map(async (session) => {
              const startedAt = performance.now()
              const answer = await sendMessage(here, session.token, question)
              if (answer.status === 401) session.token = (await openSession(deployment, shop)).token
              await answer.text()
              waits.push(performance.now() - startedAt)
            }),
          )
      }
      const sorted = waits.splice(0).sort((a, b) => a - b)
      return { p99: sorted[Math.floor(sorted.length * 0.99)]!, rss: readRssMb(pid) }
    }
    await load(seconds / 4)
    const fds = readFds(pid)
    const before = await load(seconds / 4)
    const after = await load(seconds / 2)
    expect(after.rss).toBeLessThan(before.rss * 1.15 + 20)
    expect(Math.abs(readFds(pid) - fds)).toBeLessThan(20)
    expect(after.p99).toBeLessThan(before.p99 * 3 + 500)
  })
})

test("C04 the database killed in mid-stream again and again loses no acknowledged message and mixes no tenants", async () => {
  const kills = rounds(2, 50)
  test.setTimeout(60_000 + kills * 20_000)
  const shops = [await openShop(deployment, patient), await openShop(deployment, patient)]
  const acknowledged: { shop: Shop; text: string; messageId: string }[] = []
  for (let round = 0; round < kills; round++) {
    const streaming = await Promise.all(
      [0, 1, 2, 3].map(async (i) => {
        const shop = shops[i % 2]!
        const { token } = await openSession(deployment, shop)
        const text = `${question} ${scripts.brisk} ${shop.tenantId} ${round}-${i}`
        const response = await sendMessage(deployment, token, text, { clientMessageId: "m" })
        let isTold = () => {}
        const told = new Promise<void>((resolve) => {
          isTold = resolve
        })
        const parts = (async () => {
          const seen: Part[] = []
          for await (const part of readParts(response)) {
            seen.push(part)
            if (part.type !== "data-conversation") continue
            acknowledged.push({ shop, text, messageId: String(part.data?.messageId) })
            isTold()
          }
          return seen
        })()
        await Promise.race([told, parts])
        return { token, text, parts }
      }),
    )
    await deployment.database.kill()
    for (const { parts } of streaming) expect(typesOf(await parts)).not.toContain("finish")
    const { token } = streaming[0]!
    expect((await sendMessage(deployment, token, question)).status).toBe(503)
    await deployment.database.revive()
    await expect
      .poll(async () => (await call(deployment, "/ready")).status, { timeout: 5_000 })
      .toBe(200)
    // Everyone's retry is answered: the killed database forgot nothing that counts.
    for (const { token: own, text } of streaming)
      expect((await ask(deployment, own, text, { clientMessageId: "m" })).types).toContain("finish")
  }
  expect(acknowledged).toHaveLength(kills * 4)
  for (const shop of shops) {
    const threads = await readThreads(shop)
    const stored = threads.flat()
    for (const own of acknowledged.filter((one) => one.shop === shop))
      expect(
        stored.filter(({ id, text }) => id === own.messageId && text === own.text),
      ).toHaveLength(1)
    const other = shops.find((one) => one !== shop)!
    expect(JSON.stringify(threads)).not.toContain(other.tenantId)
    expect(threads.map((messages) => messages.length)).toEqual(threads.map(() => 2))
  }
})
