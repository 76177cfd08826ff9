import { once } from "node:events"
import { Redis } from "ioredis"
import {
  ask,
  call,
  newAddress,
  openSession,
  openShop,
  returnsQuestion as question,
  type Session,
  type Shop,
  sendMessage,
  wideLimits,
} from "../counter.ts"
import {
  type Deployment,
  findFreePorts,
  startDeployment,
  startWeb,
  waitUntilHealthy,
} from "../deployment.ts"
import { scripts } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"
import { callAction, readActions } from "../walls/server-actions.ts"
import { makePeople, makeTenants, signIn, withDatabase } from "../walls/two-tenants.ts"
import { type Held, holdAtBarrier, type Raced, race } from "./race.ts"
import { prepareRedis, type RedisServer } from "./redis.ts"
import { rounds } from "./rounds.ts"

// Limits under attack, on two processes. What counts by rate runs in both modes: PostgreSQL and Redis.

type Key = Pick<Shop, "key" | "origin"> & { keyId: string }

async function createKey(shop: Shop, limits: Record<string, number>): Promise<Key> {
  const { status, body, text } = await shop.api<{ id: string; key: string }>(
    `/v1/bots/${shop.botId}/embed-keys`,
    { body: { mode: "test", allowedOrigins: [shop.origin], limits: { ...wideLimits, ...limits } } },
  )
  if (status !== 201) throw new Error(`${status} ${text}`)
  return { keyId: body.id, key: body.key, origin: shop.origin }
}

const changeLimits = (shop: Shop, key: Key, limits: Record<string, number>) =>
  shop.api(`/v1/embed-keys/${key.keyId}`, {
    method: "PATCH",
    body: { limits: { ...wideLimits, ...limits } },
  })

async function openSessions(
  deployment: Deployment,
  key: Key,
  count: number,
  ip?: string,
): Promise<Session[]> {
  const sessions: Session[] = []
  let left = count
  const lane = async () => {
    while (left > 0) {
      left -= 1
      sessions.push(
        await openSession(deployment, key, { process: left % 2, ip: ip ?? newAddress() }),
      )
    }
  }
  await Promise.all(Array.from({ length: 5 }, lane))
  return sessions
}

const toMessage = (
  deployment: Deployment,
  { token }: Session,
  { process = 0, ip = newAddress(), message = question } = {},
): Held => ({
  url: `${deployment.processUrls[process]}/api/embed/chat`,
  headers: { authorization: `Bearer ${token}`, "x-forwarded-for": ip },
  body: { message },
})

/**
 * A sliding window is two counted ones: a burst that straddles their edge is weighed, not counted. Equality is
 * asked of bursts inside one.
 */
async function awaitMidWindow() {
  const left = 60_000 - (Date.now() % 60_000)
  if (left < 6_000) await new Promise((resolve) => setTimeout(resolve, left + 50))
}

const count = <T>(all: T[], isOne: (one: T) => boolean) => all.filter(isOne).length

/** How often the two processes counted by themselves because the store was away. */
async function readFallbacks(target: Deployment): Promise<number> {
  let sum = 0
  for (const process of target.processUrls.keys()) {
    const { text } = await call(target, "/metrics", {
      process,
      headers: { "x-master-key": target.masterKey },
    })
    sum += Number(/^coatcheck_rate_fallbacks_total (\d+)/m.exec(text)?.[1])
  }
  return sum
}

/** What became of each message: taken, or the code of its refusal. */
const listCodes = (answers: Raced[]) =>
  answers.map(({ status, text }) =>
    status === 200 ? "taken" : (/"code":"(\w+)"/.exec(text)?.[1] ?? String(status)),
  )

const modes = ["PostgreSQL", "Redis"] as const

for (const mode of modes)
  test.describe(`rates in ${mode}`, () => {
    let redis: RedisServer | null = null
    let own: Deployment | null = null
    test.beforeAll(async () => {
      if (mode === "PostgreSQL") return
      redis = await prepareRedis()
      await redis.start()
      own = await startDeployment({ webCount: 2, env: { REDIS_URL: redis.url } })
    })
    test.afterAll(async () => {
      await own?.stop()
      await redis?.kill()
    })

    /** What the store itself has counted for this key's website. */
    const readTaken = async (target: Deployment, { keyId, origin }: Key) => {
      const bucket = `chat.origin:${keyId}:${origin}`
      if (!redis)
        return withDatabase(target, async (client) => {
          const sql = "select previous + current as taken from limits.rates where bucket = $1"
          const { rows } = await client.query<{ taken: number }>(sql, [bucket])
          return rows[0]!.taken
        })
      const client = new Redis(redis.url)
      const counts = await client.keys(`coatcheck:${bucket}:*`)
      const values = await Promise.all(counts.map((name) => client.get(name)))
      client.disconnect()
      return values.reduce((sum, value) => sum + Number(value), 0)
    }

    for (const spread of [1, 2])
      test(`L01, L02 of 50 messages let go at once on ${spread} of two processes, exactly 20 are taken, round after round`, async ({
        deployment,
      }) => {
        test.setTimeout(rounds(180_000, 1_800_000))
        const target = own ?? deployment
        const shop = await openShop(target)
        for (let round = 0; round < rounds(2, 50); round++) {
          const key = await createKey(shop, { messagesPerMinutePerOrigin: 20 })
          const sessions = await openSessions(target, key, 50)
          await awaitMidWindow()
          const before = await readFallbacks(target)
          const answers = await race(
            sessions.map((session, i) => toMessage(target, session, { process: i % spread })),
          )
          // Where a starved machine took the store for away, the reduced limit of that process stands beside it.
          const wasAway = (await readFallbacks(target)) > before
          const most = wasAway ? 20 + 5 * spread : 20
          const counted = await readTaken(target, key)
          if (wasAway) expect(counted).toBeLessThanOrEqual(20)
          else expect(counted).toBe(20)
          const codes = listCodes(answers)
          // A machine with more to do than it can may be short of connections for some; never for more than 20.
          const unavailable = count(codes, (code) => code === "unavailable")
          expect(
            new Set(codes).difference(new Set(["taken", "rate_limited", "unavailable"])),
          ).toEqual(new Set())
          const taken = count(codes, (code) => code === "taken")
          expect(taken).toBeLessThanOrEqual(most)
          expect(count(codes, (code) => code === "rate_limited")).toBeLessThanOrEqual(30)
          if (!wasAway) expect(taken + unavailable).toBeGreaterThanOrEqual(20)
          if (!wasAway && unavailable === 0) expect(taken).toBe(20)
        }
      })

    test("L01, L02 one address of many sessions is held to its own 20 on both processes together", async ({
      deployment,
    }) => {
      const target = own ?? deployment
      const shop = await openShop(target)
      const key = await createKey(shop, { messagesPerMinutePerIp: 20 })
      const ip = newAddress()
      const sessions = await openSessions(target, key, 50, ip)
      await awaitMidWindow()
      const answers = await race(
        sessions.map((session, i) => toMessage(target, session, { process: i % 2, ip })),
      )
      // Of the twenty, five are written at a time; who finds no place is told so.
      const codes = listCodes(answers)
      const passed = count(codes, (code) => code === "taken" || code === "stream_limit")
      const unavailable = count(codes, (code) => code === "unavailable")
      expect(passed).toBeLessThanOrEqual(20)
      expect(passed + unavailable).toBeGreaterThanOrEqual(20)
      expect(count(codes, (code) => code === "rate_limited") + passed + unavailable).toBe(50)
    })

    test("L13 a flood from another website, or with unknown keys, takes nothing from the key", async ({
      deployment,
    }) => {
      const target = own ?? deployment
      const shop = await openShop(target)
      const key = await createKey(shop, { ticketsPerMinute: 5, messagesPerDay: 3 })
      const ip = newAddress()
      const flood = async (origin: string | null, given: string) => {
        const { status } = await call(target, "/api/embed/ticket", {
          ip,
          process: Math.random() < 0.5 ? 0 : 1,
          headers: origin ? { origin } : {},
          body: { key: given },
        })
        return status
      }
      const unknown = `${key.key.slice(0, -6)}abcdef`
      for (let i = 0; i < rounds(20, 300); i++) {
        expect(await flood("https://evil.example", key.key)).toBe(403)
        expect(await flood(null, key.key)).toBe(403)
        expect(await flood(shop.origin, unknown)).toBe(401)
      }
      const counters = await withDatabase(target, async (client) => {
        const { rows } = await client.query("select * from counters where name like $1", [
          `%${key.keyId}%`,
        ])
        return rows
      })
      expect(counters).toEqual([])
      await awaitMidWindow()
      const statuses = []
      for (let i = 0; i < 6; i++) {
        const { status } = await call(target, "/api/embed/ticket", {
          ip: newAddress(),
          headers: { origin: shop.origin },
          body: { key: key.key },
        })
        statuses.push(status)
      }
      expect(statuses).toEqual([201, 201, 201, 201, 201, 429])
    })

    test("L21 a limit that is lowered, or raised, amid traffic holds for the next request on both processes", async ({
      deployment,
    }) => {
      const target = own ?? deployment
      const shop = await openShop(target)
      const key = await createKey(shop, {})
      const sessions = await openSessions(target, key, 6)
      let isOver = false
      const traffic = sessions.slice(2).map(async ({ token }, i) => {
        while (!isOver) {
          const response = await sendMessage(target, token, question, { process: i % 2 })
          await response.text()
          expect([200, 429]).toContain(response.status)
        }
      })
      const askOn = async (process: number) => {
        const response = await sendMessage(target, sessions[process]!.token, question, { process })
        return { status: response.status, text: await response.text() }
      }
      try {
        for (const process of [0, 1]) expect((await askOn(process)).status).toBe(200)
        for (const [lowered, code] of [
          [{ messagesPerMinutePerOrigin: 0 }, "rate_limited"],
          [{ messagesPerMinutePerIp: 0 }, "rate_limited"],
          [{ messagesPerDay: 1 }, "day_limit"],
        ] as const) {
          expect((await changeLimits(shop, key, lowered)).status).toBe(200)
          for (const process of [0, 1]) {
            const refused = await askOn(process)
            expect([refused.status, JSON.parse(refused.text).code]).toEqual([429, code])
          }
          await changeLimits(shop, key, {})
          for (const process of [0, 1]) expect((await askOn(process)).status).toBe(200)
        }
        // A month without money: the very next answer is quoted.
        await changeLimits(shop, key, { monthlySpendMinor: 0 })
        for (const process of [0, 1]) expect((await askOn(process)).text).toContain('"quotes"')
        await changeLimits(shop, key, { monthlySpendMinor: 2_000 })
        for (const process of [0, 1]) expect((await askOn(process)).text).toContain('"model"')
      } finally {
        isOver = true
        await Promise.all(traffic)
      }
    })

    test("L16 every 429 says when to come back, in headers that parse, as a problem", async ({
      deployment,
    }) => {
      const target = own ?? deployment
      const shop = await openShop(target)
      const refused: [string, { headers: Headers; text: string }][] = []
      const note = async (name: string, response: Response) => {
        expect([name, response.status]).toEqual([name, 429])
        refused.push([name, { headers: response.headers, text: await response.text() }])
      }
      const post = (path: string, headers: Record<string, string>, body: object, ip: string) =>
        fetch(target.processUrls[0] + path, {
          method: "POST",
          headers: { "content-type": "application/json", "x-forwarded-for": ip, ...headers },
          body: JSON.stringify(body),
        })
      const ip = newAddress()
      const ticket = (key: Key) =>
        post("/api/embed/ticket", { origin: key.origin }, { key: key.key }, ip)
      const tight = await createKey(shop, { ticketsPerMinutePerIp: 1 })
      expect((await ticket(tight)).status).toBe(201)
      await note("tickets of an address", await ticket(tight))
      await note("tickets of a key", await ticket(await createKey(shop, { ticketsPerMinute: 0 })))

      const key = await createKey(shop, {})
      const [first, second, ...more] = await openSessions(target, key, 7)
      const say = (session: Session, message: string, from = newAddress()) =>
        sendMessage(target, session.token, message, { ip: from })
      const open = await say(first!, `${question} ${scripts.slow}`)
      await note("one answer a session", await say(first!, question))
      const streams = await Promise.all(
        more.slice(0, 5).map((session) => say(session, `${question} ${scripts.slow}`, ip)),
      )
      await note("answers of an address", await say(second!, question, ip))
      for (const response of [open, ...streams]) await response.body?.cancel()

      for (const [name, limits] of [
        ["messages of an address", { messagesPerMinutePerIp: 0 }],
        ["messages of a session", { messagesPerMinutePerSession: 0 }],
        ["messages of a website", { messagesPerMinutePerOrigin: 0 }],
        ["messages of a day", { messagesPerDay: 0 }],
      ] as const) {
        await changeLimits(shop, key, limits)
        await note(name, await say(second!, question))
      }
      const bearer = { authorization: `Bearer ${second!.token}` }
      const lead = () =>
        post("/api/embed/leads", bearer, { name: "V", email: "v@example.com", message: "Hi" }, ip)
      for (let i = 0; i < 5; i++) await (await lead()).text()
      await note("leads of an address", await lead())
      const guess = () =>
        fetch(`${target.processUrls[0]}/metrics`, {
          headers: { "x-master-key": "wrong", "x-forwarded-for": ip },
        })
      for (let i = 0; i < 10; i++) await (await guess()).text()
      await note("guesses at the master key", await guess())

      expect(refused.length).toBe(10)
      for (const [name, { headers, text }] of refused) {
        const after = headers.get("retry-after") ?? ""
        expect(after, name).toMatch(/^[1-9]\d*$/)
        const state = /^"default";r=0;t=(\d+)$/.exec(headers.get("ratelimit") ?? "")
        expect(state, `${name}: ${headers.get("ratelimit")}`).not.toBeNull()
        expect(Number(after), name).toBeGreaterThanOrEqual(Number(state![1]))
        expect(headers.get("ratelimit-policy") ?? "", name).toMatch(
          /^"default";q=\d+;(w=[1-9]\d*|qu="concurrent-requests")$/,
        )
        expect(headers.get("cache-control"), name).toBe("no-store")
        // The operator's API speaks its own dialect; all else are problems.
        const body = JSON.parse(text)
        if (name.includes("master key")) expect(body).toMatchObject({ error: "rate_limited" })
        else {
          expect(headers.get("content-type"), name).toBe("application/problem+json")
          expect(body).toMatchObject({ status: 429, type: expect.stringMatching(/\/problems\//) })
        }
      }
    })

    if (mode === "Redis")
      test("L18, C10 a Redis that hangs, dies and comes back: a reduced limit, a warning and a metric; never none, never a 500, revocation as ever", async () => {
        test.setTimeout(120_000)
        const target = own!
        const shop = await openShop(target)
        const burst = async () => {
          const key = await createKey(shop, { messagesPerMinutePerOrigin: 20 })
          const sessions = await openSessions(target, key, 30)
          await awaitMidWindow()
          return { key, sessions }
        }
        const fire = async ({ sessions }: { sessions: Session[] }) => {
          const answers = await race(
            sessions.map((session, i) => toMessage(target, session, { process: i % 2 })),
          )
          expect(count(answers, ({ status }) => ![200, 429].includes(status))).toBe(0)
          return count(answers, ({ status }) => status === 200)
        }
        expect(await fire(await burst())).toBe(20)
        const before = await readFallbacks(target)
        for (const [leave, comeBack] of [
          [() => redis!.hang(), () => redis!.goOn()],
          [() => redis!.kill(), () => redis!.start()],
        ]) {
          const waiting = await burst()
          await leave!()
          try {
            // A quarter of twenty on each of two processes.
            const taken = await fire(waiting)
            expect(taken).toBeGreaterThan(0)
            expect(taken).toBeLessThanOrEqual(10)
            // The switch does not hang on Redis.
            await shop.api(`/v1/embed-keys/${waiting.key.keyId}`, {
              method: "PATCH",
              body: { status: "disabled" },
            })
            for (const process of [0, 1]) {
              const { token } = waiting.sessions[process]!
              expect((await sendMessage(target, token, question, { process })).status).toBe(401)
            }
          } finally {
            await comeBack!()
          }
          // Counted exactly again, once both processes have noticed.
          await expect
            .poll(
              async () => {
                const seen = await readFallbacks(target)
                for (const process of [0, 1]) await shop.api("/v1/bots", { process })
                return (await readFallbacks(target)) - seen
              },
              { timeout: 15_000 },
            )
            .toBe(0)
          expect(await fire(await burst())).toBe(20)
        }
        expect(await readFallbacks(target)).toBeGreaterThan(before)
        expect(target.logs()).toContain('"code":"rate_store_away"')
      })
  })

test("C10 without Redis from the start the server serves on a reduced limit, and counts in it once it is there", async () => {
  test.setTimeout(90_000)
  const redis = await prepareRedis()
  const target = await startDeployment({ env: { REDIS_URL: redis.url } })
  try {
    const shop = await openShop(target)
    const key = await createKey(shop, { messagesPerMinutePerIp: 8 })
    const ip = newAddress()
    const { token } = await openSession(target, key, { ip })
    const say = async () => {
      const response = await sendMessage(target, token, question, { ip })
      await response.text()
      return response.status
    }
    expect([await say(), await say(), await say()]).toEqual([200, 200, 429])
    await redis.start()
    // Six more of eight once it is there: what was counted without it is not counted twice.
    await expect.poll(say, { timeout: 15_000 }).toBe(200)
    await awaitMidWindow()
    let taken = 0
    for (let i = 0; i < 12; i++) if ((await say()) === 200) taken += 1
    expect(taken).toBeLessThanOrEqual(8)
  } finally {
    await target.stop()
    await redis.kill()
  }
})

test("L06 answers whose readers are gone, cut or asleep give their places back", async ({
  deployment,
}) => {
  test.setTimeout(rounds(90_000, 240_000))
  const shop = await openShop(deployment)
  const total = rounds(40, 200)
  const keys = await Promise.all(
    Array.from({ length: Math.ceil(total / 40) }, () => createKey(shop, {})),
  )
  const sessions = await Promise.all(keys.map((key) => openSessions(deployment, key, 40)))
  const barrier = await holdAtBarrier(
    sessions
      .flat()
      .map((session, i) =>
        toMessage(deployment, session, { process: i % 2, message: `${question} ${scripts.slow}` }),
      ),
  )
  const runners = barrier.release()
  // Each answer has begun before any is cut.
  await Promise.all(runners.map(({ socket }) => once(socket, "data")))
  const ids = keys.map(({ keyId }) => keyId)
  const countHeld = () =>
    withDatabase(deployment, async (client) => {
      const { rows } = await client.query<{ held: number }>(
        `select (select count(*) from limits.stream_leases where key_id = any ($1))::int
           + (select count(*) from sessions where key_id = any ($1) and streaming_until > now())::int as held`,
        [ids],
      )
      return rows[0]!.held
    })
  expect(await countHeld()).toBeGreaterThan(total)
  const sleepers = Math.ceil(total / 10)
  for (const [i, { socket }] of runners.entries()) {
    if (i < sleepers) socket.pause()
    else if (i % 2) socket.resetAndDestroy()
    else socket.destroy()
  }
  const cutAt = Date.now()
  await expect.poll(countHeld, { timeout: 5_000 }).toBeLessThanOrEqual(sleepers * 2)
  expect(Date.now() - cutAt).toBeLessThan(5_000)
  // A reader that sleeps keeps its place no longer than its answer or its lease lasts.
  await expect.poll(countHeld, { timeout: 25_000 }).toBe(0)
  for (const { socket } of runners) socket.destroy()
})

test("L07 the places of a process that was killed are free once their leases have run out", async ({
  deployment,
}) => {
  test.setTimeout(90_000)
  const shop = await openShop(deployment)
  const key = await createKey(shop, {})
  const [port] = await findFreePorts(1)
  const program = startWeb(deployment.env, port!)
  const third = { processUrls: [`http://127.0.0.1:${port}`] }
  await waitUntilHealthy(third.processUrls[0]!, program)
  const ip = newAddress()
  const sessions = await openSessions(deployment, key, 6, ip)
  for (const { token } of sessions.slice(0, 5)) {
    const response = await sendMessage(third, token, `${question} ${scripts.slow}`, { ip })
    expect(response.status).toBe(200)
    void response.text().catch(() => {})
  }
  const say = async (session: Session) => {
    const response = await sendMessage(deployment, session.token, question, { ip })
    await response.text()
    return response.status
  }
  expect(await say(sessions[5]!)).toBe(429)
  program.process.kill("SIGKILL")
  await program.exited
  const killedAt = Date.now()
  await expect.poll(() => say(sessions[5]!), { timeout: 30_000 }).toBe(200)
  // Its sessions as well: none waits for an answer that nobody writes any more.
  await expect.poll(() => say(sessions[0]!), { timeout: 30_000 }).toBe(200)
  expect(Date.now() - killedAt).toBeLessThan(25_000)
})

test("L09 of 100 questions let go at once on two processes, exactly as many reach the model as the tenant's cap has room for", async ({
  deployment,
}) => {
  test.setTimeout(rounds(90_000, 300_000))
  for (let round = 0; round < rounds(1, 5); round++) {
    const capMinor = 3
    const shop = await openShop(deployment)
    await withDatabase(deployment, (client) =>
      client.query("update tenants set monthly_spend_minor = $1 where id = $2", [
        capMinor,
        shop.tenantId,
      ]),
    )
    const keys = [await createKey(shop, {}), await createKey(shop, {})]
    const sessions = (
      await Promise.all(keys.map((key) => openSessions(deployment, key, 50)))
    ).flat()
    const barrier = await holdAtBarrier(
      sessions.map((session, i) =>
        toMessage(deployment, session, { process: i % 2, message: `${question} ${scripts.slow}` }),
      ),
    )
    const finished: Raced[] = []
    const runners = barrier.release()
    const all = runners.map(({ answer }) =>
      answer.then((raced) => {
        finished.push(raced)
        return raced
      }),
    )
    const read = <Row>(sql: string) =>
      withDatabase(deployment, async (client) => {
        const { rows } = await client.query(sql, [shop.tenantId])
        return rows as Row[]
      })
    const readReserved = () =>
      read<{ nanos: string }>("select nanos from spend_reservations where tenant_id = $1")
    await expect
      .poll(async () => (await readReserved()).length + finished.length, {
        timeout: 30_000,
        intervals: [50],
      })
      .toBe(100)
    const reserved = await readReserved()
    // The same question to the same bot: every call is worth the same at most.
    const worst = BigInt(reserved[0]!.nanos)
    expect(reserved.every(({ nanos }) => BigInt(nanos) === worst)).toBe(true)
    expect(BigInt(reserved.length)).toBe((BigInt(capMinor) * 1_000_000_000n) / worst)
    expect(finished.length).toBe(100 - reserved.length)
    // Quoted, or told that there is no connection for it just now; never by the model.
    const isUnpaid = /"mode":"quotes"|"code":"unavailable"/
    expect(finished.filter(({ text }) => !isUnpaid.test(text))).toEqual([])
    for (const { keyId } of keys)
      await shop.api(`/v1/embed-keys/${keyId}`, { method: "PATCH", body: { status: "disabled" } })
    await Promise.all(all)
    const [sum] = await read<{ reserved_nanos: string; spent_nanos: string }>(
      "select * from spend_counters where tenant_id = $1 and subject = 'tenant'",
    )
    const [ledger] = await read<{ cost: string; calls: number }>(
      "select sum(cost_nanos) as cost, count(*)::int as calls from usage_entries where tenant_id = $1",
    )
    expect(sum!.reserved_nanos).toBe("0")
    expect(BigInt(sum!.spent_nanos)).toBe(BigInt(ledger!.cost))
    expect(ledger!.calls).toBe(reserved.length)
    expect(BigInt(ledger!.cost)).toBeLessThanOrEqual(BigInt(capMinor) * 1_000_000_000n)
  }
})

test("L14 a copied key with a forged website, from one address: its share of the day, no more; the owner sees it and others are served", async ({
  deployment,
}) => {
  test.setTimeout(90_000)
  const shop = await openShop(deployment)
  // The defaults of a key, but for the minute's rates: a thief with patience.
  const key = await createKey(shop, {
    messagesPerDay: 400,
    messagesPerDayPerIpPercent: 5,
    monthlySpendMinor: 2_000,
  })
  const ip = newAddress()
  let taken = 0
  let refused = 0
  for (let i = 0; i < 6; i++) {
    const { token } = await openSession(deployment, key, { ip, process: i % 2 })
    for (let j = 0; j < 5; j++) {
      const response = await sendMessage(deployment, token, question, { ip, process: j % 2 })
      const text = await response.text()
      if (response.status === 200) taken += 1
      else {
        expect([response.status, JSON.parse(text).code]).toEqual([429, "day_limit"])
        refused += 1
      }
    }
  }
  expect([taken, refused]).toEqual([20, 10])
  const spent = await withDatabase(deployment, async (client) => {
    const { rows } = await client.query<{ cost: string; worst: string }>(
      "select sum(cost_nanos) as cost, max(cost_nanos) * 20 as worst from usage_entries where tenant_id = $1",
      [shop.tenantId],
    )
    return rows[0]!
  })
  expect(BigInt(spent.cost)).toBeLessThanOrEqual(BigInt(spent.worst))
  // The owner finds it on the screen of that key.
  const people = await makePeople(deployment)
  const cookie = await people(shop.tenantId, "owner")
  const page = await fetch(
    `${deployment.appUrl}/console/${shop.tenantId}/bots/${shop.botId}/embed/${key.keyId}`,
    { headers: { cookie } },
  )
  expect(await page.text()).toMatch(/day.{0,40}limit|limit.{0,40}day/i)
  for (let i = 0; i < 5; i++) {
    const { token } = await openSession(deployment, key)
    expect((await ask(deployment, token, question)).types.at(-1)).toBe("finish")
  }
})

test("L17 signing in, a new password, uploads, crawls, searches, trials and exports each have a limit of their own", async ({
  deployment,
}) => {
  test.setTimeout(90_000)
  const { a } = await makeTenants(deployment)
  const { tenantId, botId, ownerCookie: cookie } = a
  const actions = readActions({ a })
  const act = async (name: string, input: object) => {
    const { text } = await callAction(deployment, actions.get(name)!, cookie, [tenantId, input])
    return text.includes('"code":"rate_limited"') ? 429 : 200
  }
  const upload = async () => {
    const body = new FormData()
    body.set("file", new File(["Some text."], "some.txt", { type: "text/plain" }))
    const { status } = await a.api(`/v1/bots/${botId}/sources`, { body })
    return status
  }
  const doors: [string, () => Promise<number>][] = [
    ["upload.tenant", upload],
    [
      "crawl.tenant",
      async () =>
        (await a.api(`/v1/bots/${botId}/crawls`, { body: { url: "https://93.184.216.34/x" } }))
          .status,
    ],
    [
      "crawl.tenant",
      () =>
        act("console/[tenant]/bots/[bot]/knowledge addPages", {
          botId,
          urls: "https://93.184.216.34/y",
        }),
    ],
    [
      "search.tenant",
      async () => (await a.api(`/v1/bots/${botId}/search`, { body: { query: "policy" } })).status,
    ],
    [
      "trial.tenant",
      () =>
        act("console/[tenant]/bots/[bot]/playground tryQuestion", {
          botId,
          question: "Policy?",
          useModel: false,
        }),
    ],
    [
      "export.tenant",
      async () =>
        (
          await fetch(`${deployment.appUrl}/api/console/${tenantId}/audit`, {
            headers: { cookie, "x-forwarded-for": newAddress() },
          })
        ).status,
    ],
  ]
  /** As if this bucket alone had been used up just now. */
  const fill = (bucket: string) =>
    withDatabase(deployment, (client) =>
      client.query(
        `insert into limits.rates (bucket, window_start, previous, current)
         values ($1, to_timestamp(floor(extract(epoch from now()) / 60) * 60), 100000, 100000)
         on conflict (bucket) do update set window_start = excluded.window_start,
           previous = 100000, current = 100000`,
        [bucket],
      ),
    )
  const empty = (bucket: string) =>
    withDatabase(deployment, (client) =>
      client.query("delete from limits.rates where bucket = $1", [bucket]),
    )
  await awaitMidWindow()
  for (const full of new Set(doors.map(([rate]) => rate))) {
    await fill(`${full}:${tenantId}`)
    for (const [rate, knock] of doors) {
      const status = await knock()
      expect([full, rate, status === 429]).toEqual([full, rate, rate === full])
    }
    await empty(`${full}:${tenantId}`)
  }

  // Signing in: ten tries at an account from one address, and its owner still enters from another.
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  const person = await makeTenant()
  await disconnect()
  const thief = newAddress()
  for (let i = 0; i < 10; i++)
    await expect(signIn(deployment, person.email, "wrong password", thief)).rejects.toThrow()
  await expect(signIn(deployment, person.email, person.password, thief)).rejects.toThrow()
  const own = await signIn(deployment, person.email, person.password)
  const change = actions.get("console/[tenant] changePassword")!
  const codes = []
  for (let i = 0; i < 11; i++) {
    const { text } = await callAction(deployment, change, own, [
      { currentPassword: "wrong password", newPassword: "another password" },
    ])
    codes.push(/"code":"(\w+)"/.exec(text)?.[1])
  }
  expect(codes).toEqual([...Array(10).fill("invalid"), "rate_limited"])
})
