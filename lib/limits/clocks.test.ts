import { Client } from "pg"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { beginTurn, finishTurn } from "#lib/conversations/turn.ts"
import { env } from "#lib/env.ts"
import { createApiKey, rotateApiKey } from "#lib/keys/api-keys.ts"
import { rotateEmbedKey } from "#lib/keys/commands.ts"
import { hashSecret, newSecret } from "#lib/secrets.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { findApiKey } from "#lib/tenancy/directory.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
} from "#prisma/factories.ts"
import { takeRates } from "./rates.ts"
import { effectiveLimits } from "./schema.ts"
import { reserveSpend } from "./spend.ts"

// Days and months of counts are named by UTC, whatever zone a tenant lives in; rates go by the database's clock.

const hourMs = 3_600_000
let tenant: MadeTenant
let key: string
let keyId: string
let admin: Client

beforeAll(async () => {
  tenant = await makeTenant()
  const superuser = new URL(process.env.TEST_SUPERUSER_URL ?? "")
  superuser.pathname = new URL(env.DATABASE_URL ?? "").pathname
  admin = new Client({ connectionString: superuser.href })
  await admin.connect()
})
// A key for each test: one whose day goes in an hour asks for more of its visitors until that day is over.
beforeEach(async () => {
  const bot = await makeBot(tenant.scope)
  ;({ key, id: keyId } = await makeEmbedKey(tenant.scope, bot.id))
})
afterEach(() => {
  vi.useRealTimers()
})
afterAll(async () => {
  await admin.end()
  await disconnect()
})

/** Our process's clock alone; the database keeps its own. */
const setClock = (at: string | number) => {
  vi.useFakeTimers({ toFake: ["Date"] })
  vi.setSystemTime(at)
}

const limits = effectiveLimits("live", { messagesPerDay: 2 })

async function ask(scope: VisitorScope): Promise<"taken" | "refused"> {
  try {
    const turn = await beginTurn(scope, { message: "Hello?" }, limits)
    await finishTurn(scope, turn, {
      text: "Hi.",
      status: "complete",
      mode: "quotes",
      isAnswered: true,
      citations: [],
      spend: null,
    })
    return "taken"
  } catch (error) {
    expect((error as { code: string }).code).toBe("day_limit")
    return "refused"
  }
}

describe("L11 a day's count begins anew once, at midnight UTC,", () => {
  test.each([
    ["on an ordinary day", "2030-05-14"],
    ["at the end of a month", "2030-04-30"],
    ["before a leap day", "2032-02-28"],
    ["after a leap day", "2032-02-29"],
    ["at the end of a year", "2030-12-31"],
    ["on a day of 23 hours in Vienna", "2031-03-29"],
    ["on a day of 25 hours in Vienna", "2031-10-25"],
  ])("%s", async (_, day) => {
    const { scope } = await makeVisitor(key)
    const midnight = Date.parse(`${day}T00:00:00Z`) + 24 * hourMs
    setClock(midnight - 100)
    expect([await ask(scope), await ask(scope), await ask(scope)]).toEqual([
      "taken",
      "taken",
      "refused",
    ])
    setClock(midnight + 100)
    expect([await ask(scope), await ask(scope), await ask(scope)]).toEqual([
      "taken",
      "taken",
      "refused",
    ])
    // Midnight somewhere else is no midnight.
    for (const hours of [1, 2, 5, 12, 22, 23]) {
      setClock(midnight + hours * hourMs + 100)
      expect(await ask(scope)).toBe("refused")
    }
  })

  test("and money's month with it", async () => {
    const { scope } = await makeVisitor(key)
    const cap = { ...limits, monthlySpendMinor: 5, messagesPerDayPerIpPercent: 100 }
    const minor = 1_000_000_000n
    // A day holds a fifth of the month: one minor a day, five days' worth a month.
    const reserve = (at: string) => reserveSpend(scope, cap, minor, { at: new Date(at) })
    for (const day of [24, 25, 26, 27, 28])
      expect(await reserve(`2032-02-${day}T12:00:00Z`)).not.toBeNull()
    expect(await reserve("2032-02-29T23:59:59.900Z")).toBeNull()
    expect(await reserve("2032-03-01T00:00:00.100Z")).not.toBeNull()
    expect(await reserve("2032-03-01T23:59:59.900Z")).toBeNull()
  })
})

describe("L12 a clock that is set", () => {
  const drain = async (subject: string) => {
    for (let i = 0; i < 20; i++) await takeRates([{ rate: "chat.ip", subject }])
  }
  const isFull = (subject: string) =>
    takeRates([{ rate: "chat.ip", subject }]).then(
      () => false,
      (error) => {
        expect(Number(error.headers["retry-after"])).toBeLessThanOrEqual(120)
        return true
      },
    )
  /** As if the database's clock had been set by this much: its windows lie where the old clock put them. */
  const moveWindows = (subject: string, hours: number) =>
    admin.query(
      "update limits.rates set window_start = window_start + make_interval(hours => $2) where bucket = $1",
      [`chat.ip:${subject}`, hours],
    )

  test("in our process changes no rate: the database's counts", async () => {
    const subject = newSecret(8)
    await drain(subject)
    for (const hours of [-1, 1, -24, 24]) {
      setClock(Date.now() + hours * hourMs)
      expect(await isFull(subject)).toBe(true)
      vi.useRealTimers()
    }
  })

  test("back in the database gives no second budget, and keeps nobody out", async () => {
    const subject = newSecret(8)
    await drain(subject)
    await moveWindows(subject, 1)
    expect(await isFull(subject)).toBe(true)
    // What lay ahead counts as now, and passes as now does.
    const { rows } = await admin.query(
      "select window_start <= now() as is_past from limits.rates where bucket = $1",
      [`chat.ip:${subject}`],
    )
    expect(rows).toEqual([{ is_past: true }])
    await admin.query(
      "update limits.rates set window_start = window_start - interval '2 minutes' where bucket = $1",
      [`chat.ip:${subject}`],
    )
    expect(await isFull(subject)).toBe(false)
  })

  test("forward and back again gives at most what an hour's wait would have", async () => {
    const subject = newSecret(8)
    await drain(subject)
    await moveWindows(subject, -1)
    expect(await isFull(subject)).toBe(false)
    for (let i = 1; i < 20; i++) await takeRates([{ rate: "chat.ip", subject }])
    expect(await isFull(subject)).toBe(true)
    await moveWindows(subject, 1)
    expect(await isFull(subject)).toBe(true)
  })

  test("by an hour, at noon, moves no day: neither a free message nor a lost one", async () => {
    const { scope } = await makeVisitor(key)
    const noon = Date.parse("2033-06-15T12:00:00Z")
    setClock(noon)
    expect([await ask(scope), await ask(scope)]).toEqual(["taken", "taken"])
    for (const hours of [-1, 1]) {
      setClock(noon + hours * hourMs)
      expect(await ask(scope)).toBe("refused")
    }
    const used = await withTenant(tenant.scope, (tx) =>
      tx.counter.findMany({ where: { name: `messages:${keyId}`, period: "2033-06-15" } }),
    )
    expect(used.map(({ used }) => used)).toEqual([2])
  })

  test("across midnight reopens no more than what that day had left", async () => {
    const { scope } = await makeVisitor(key)
    setClock("2033-07-01T00:30:00Z")
    expect([await ask(scope), await ask(scope), await ask(scope)]).toEqual([
      "taken",
      "taken",
      "refused",
    ])
    setClock("2033-06-30T23:30:00Z")
    expect([await ask(scope), await ask(scope), await ask(scope)]).toEqual([
      "taken",
      "taken",
      "refused",
    ])
    setClock("2033-07-01T00:31:00Z")
    expect(await ask(scope)).toBe("refused")
  })
})

test.each([-10, 10])(
  "C19 a process whose clock is %i minutes off counts and ends by the database's clock",
  async (minutes) => {
    setClock(Date.now() + minutes * 60_000)
    const subject = newSecret(8)
    for (let i = 0; i < 20; i++) await takeRates([{ rate: "chat.ip", subject }])
    const { secret, id } = await createApiKey(tenant.scope, { name: "Rotated" })
    await rotateApiKey(tenant.scope, id, { overlapSeconds: 60 })
    await rotateEmbedKey(tenant.scope, keyId, { overlapSeconds: 60 })
    // Another process, whose clock is right, counts and judges the same.
    vi.useRealTimers()
    const more = takeRates([{ rate: "chat.ip", subject }])
    await expect(more).rejects.toMatchObject({ code: "rate_limited" })
    expect((await findApiKey(hashSecret(secret)))?.keyId).toBe(id)
    const { rows } = await admin.query<{ seconds: number }>(
      `select extract(epoch from previous_expires_at - now())::int as seconds from api_keys where id = $1
       union all select extract(epoch from previous_expires_at - now())::int from embed_keys where id = $2`,
      [id, keyId],
    )
    for (const { seconds } of rows) expect(Math.abs(seconds - 60)).toBeLessThanOrEqual(10)
    expect(rows).toHaveLength(2)
  },
)
