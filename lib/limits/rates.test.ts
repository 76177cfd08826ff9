import { setTimeout as delay } from "node:timers/promises"
import { afterAll, describe, expect, test, vi } from "vitest"
import { Failure } from "#lib/errors.ts"
import { newSecret } from "#lib/secrets.ts"
import { callDefiner, disconnect } from "#lib/tenancy/database.ts"
import { rateHeaders, rates, takeRates } from "./rates.ts"

afterAll(disconnect)

const fresh = () => newSecret(8)
type Answer = { bucket: string; is_allowed: boolean; remaining: number; retry_ms: number }

/** The store itself, for windows short enough to watch. */
const take = (buckets: string[], limit: number, windowMs: number) =>
  callDefiner<Answer>("take_test", "select * from limits.take($1, $2, $3)", [
    buckets,
    buckets.map(() => limit),
    buckets.map(() => windowMs),
  ])

async function countAllowed(attempts: Promise<unknown>[]): Promise<number> {
  const settled = await Promise.allSettled(attempts)
  for (const outcome of settled)
    if (outcome.status === "rejected")
      expect(outcome.reason).toMatchObject({ code: "rate_limited" })
  return settled.filter((outcome) => outcome.status === "fulfilled").length
}

describe("a rate of 20", () => {
  test("lets exactly 20 of 50 through that come at once, five times over", async () => {
    for (let round = 0; round < 5; round++) {
      const subject = fresh()
      const attempts = Array.from({ length: 50 }, () => takeRates([{ rate: "chat.ip", subject }]))
      expect(await countAllowed(attempts)).toBe(20)
    }
  })

  test("is another subject's business for nobody else", async () => {
    const subject = fresh()
    for (let i = 0; i < 20; i++) await takeRates([{ rate: "chat.ip", subject }])
    await expect(takeRates([{ rate: "chat.ip", subject }])).rejects.toThrow()
    await takeRates([{ rate: "chat.ip", subject: fresh() }])
    await takeRates([{ rate: "chat.session", subject }])
  })

  test("refuses with the header a client needs to wait right", async () => {
    const subject = fresh()
    const limit = 1
    const state = await takeRates([{ rate: "chat.ip", subject, limit }])
    expect(rateHeaders(state)).toEqual({
      ratelimit: '"default";r=0;t=60',
      "ratelimit-policy": '"default";q=1;w=60',
    })
    const failure = await takeRates([{ rate: "chat.ip", subject, limit }]).catch((error) => error)
    expect(failure).toBeInstanceOf(Failure)
    expect(failure.status).toBe(429)
    const seconds = Number(failure.headers["retry-after"])
    expect(seconds).toBeGreaterThanOrEqual(1)
    expect(seconds).toBeLessThanOrEqual(120)
    expect(failure.headers.ratelimit).toBe(`"default";r=0;t=${seconds}`)
  })

  test("set to nothing lets nobody through", async () => {
    const nothing = takeRates([{ rate: "chat.ip", subject: fresh(), limit: 0 }])
    await expect(nothing).rejects.toMatchObject({ code: "rate_limited" })
  })
})

describe("several buckets at once", () => {
  test("are taken all or none: a full one costs the others nothing", async () => {
    const [full, other] = [fresh(), fresh()]
    await takeRates([{ rate: "ticket.ip", subject: full, limit: 1 }])
    for (let i = 0; i < 5; i++) {
      const both = takeRates([
        { rate: "ticket.key", subject: other, limit: 2 },
        { rate: "ticket.ip", subject: full, limit: 1 },
      ])
      await expect(both).rejects.toMatchObject({ code: "rate_limited" })
    }
    const state = await takeRates([{ rate: "ticket.key", subject: other, limit: 2 }])
    expect(state.remaining).toBe(1)
  })

  test("asked for in opposite orders at once never wait for each other, and count exactly", async () => {
    const [a, b] = [fresh(), fresh()]
    const first = { rate: "ticket.key", subject: a, limit: 30 } as const
    const second = { rate: "ticket.ip", subject: b, limit: 30 } as const
    const attempts = Array.from({ length: 60 }, (_, i) =>
      takeRates(i % 2 === 0 ? [first, second] : [second, first]),
    )
    expect(await countAllowed(attempts)).toBe(30)
  })
})

describe("the window slides", () => {
  test("L04 so a burst at its edge does not buy a second burst", async () => {
    const windowMs = 2_000
    const bucket = fresh()
    // Just before the edge, where a fixed window would forget everything in a moment.
    const intoWindow = Date.now() % windowMs
    await delay((2 * windowMs - 150 - intoWindow) % windowMs)
    const startedAt = performance.now()
    const burst = () => Promise.all(Array.from({ length: 10 }, () => take([bucket], 10, windowMs)))
    const countIn = (answers: Answer[][]) => answers.flat().filter((a) => a.is_allowed).length
    expect(countIn(await burst())).toBe(10)
    await delay(200)
    const second = countIn(await burst())
    const elapsed = performance.now() - startedAt
    expect(second).toBeLessThanOrEqual(Math.ceil((10 * elapsed) / windowMs))
  })

  test("and a refused request costs nothing: who waits as told gets in", async () => {
    const windowMs = 1_000
    const bucket = fresh()
    for (let i = 0; i < 3; i++) await take([bucket], 3, windowMs)
    const refused = await Promise.all(Array.from({ length: 30 }, () => take([bucket], 3, windowMs)))
    const waits = refused.flat().filter((answer) => !answer.is_allowed)
    expect(waits.length).toBeGreaterThanOrEqual(27)
    // Until a slot is free by the sliding count: at most two windows.
    await delay(2 * windowMs)
    expect((await take([bucket], 3, windowMs))[0]).toMatchObject({ is_allowed: true })
  })
})

test("every rate has a limit and a window", () => {
  for (const [name, { limit, windowMs }] of Object.entries(rates)) {
    expect([name, limit]).toEqual([name, expect.any(Number)])
    expect(limit).toBeGreaterThan(0)
    expect(windowMs).toBeGreaterThanOrEqual(60_000)
  }
})

describe("when the store is away", () => {
  test("a quarter of the limit is left, in this process: less, and never none", async () => {
    vi.resetModules()
    vi.doMock("#lib/tenancy/database.ts", () => ({
      callDefiner: () => Promise.reject(new Error("the database is away")),
    }))
    const { takeRates: takeAway } = await import("./rates.ts")
    const subject = fresh()
    const attempts = Array.from({ length: 50 }, () => takeAway([{ rate: "chat.ip", subject }]))
    expect(await countAllowed(attempts)).toBe(5)
    const tight = [1, 2].map(() => takeAway([{ rate: "chat.ip", subject: fresh(), limit: 1 }]))
    expect(await countAllowed(tight)).toBe(2)
    vi.doUnmock("#lib/tenancy/database.ts")
  })
})
