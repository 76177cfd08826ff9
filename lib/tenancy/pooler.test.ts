import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { isLong, rounds } from "#e2e/attack/rounds.ts"
import { hasPgBouncer, type Pooler, startPooler } from "#runtime/pooler.fixture.ts"
import { type ClonedDatabase, cloneDatabase } from "#runtime/test-database.ts"
import type { Household } from "./household.fixture.ts"

// Many connections, two tenants, every transaction perhaps on another server connection. The long form goes
// through PgBouncer in transaction mode, six server connections for 32 clients; the quick one straight.

let clone: ClonedDatabase
let pooler: Pooler | null = null
let database: typeof import("./database.ts")
let households: Household[]

beforeAll(async () => {
  clone = await cloneDatabase()
  if (isLong) {
    if (!hasPgBouncer()) throw new Error("The long form needs pgbouncer: apt-get install pgbouncer")
    pooler = await startPooler(clone.appUrl)
  }
  vi.stubEnv("DATABASE_URL", pooler?.url ?? clone.appUrl)
  vi.stubEnv("DATABASE_POOL_SIZE", "32")
  vi.resetModules()
  database = await import("./database.ts")
  const { makeHousehold } = await import("./household.fixture.ts")
  households = [await makeHousehold(), await makeHousehold()]
}, 120_000)

afterAll(async () => {
  await database?.disconnect()
  await pooler?.stop()
  await clone?.drop()
})

test("X17 32 connections of two tenants, interleaved, see not one foreign row", {
  timeout: rounds(60_000, 900_000),
}, async () => {
  const total = rounds(4_000, 100_000)
  const perTransaction = 5
  let operations = 0
  let foreignRows = 0
  const lane = async (number: number) => {
    for (let i = 0; operations < total; i++) {
      const own = households[(number + i) % 2]!
      const { tenantId } = own.tenant
      const judge = (tenants: { tenant: string }[], least: number) => {
        operations += 1
        if (tenants.length < least) throw new Error("an own row is missing")
        foreignRows += tenants.filter(({ tenant }) => tenant !== tenantId).length
      }
      // Failing on the way leaves as little behind as succeeding does.
      const isFailing = i % 10 === 9
      await database
        .withTenant(own.tenant.scope, async (tx) => {
          judge(await tx.$queryRaw`select tenant_id as tenant from public.messages`, 8)
          judge(await tx.$queryRaw`select tenant_id as tenant from public.chunks`, 2)
          judge(await tx.$queryRaw`select id as tenant from public.tenants`, 1)
          judge(await tx.$queryRaw`select sec.current_tenant() as tenant`, 1)
          judge(
            (await tx.bot.findMany()).map((bot) => ({ tenant: bot.tenantId })),
            2,
          )
          if (isFailing) throw new Error("on purpose")
        })
        .catch((error: Error) => {
          if (error.message !== "on purpose") throw error
        })
      // Without a tenant, on whatever connection is next: nothing at all.
      const open = await database.callDefiner<{ tenant: string }>(
        "look_around",
        "select tenant_id as tenant from public.messages",
        [],
      )
      foreignRows += open.length
    }
  }
  await Promise.all(Array.from({ length: 32 }, (_, number) => lane(number)))
  console.info(
    `${operations} operations on 32 connections${pooler ? " through PgBouncer" : ""}: ${foreignRows} foreign rows`,
  )
  expect(operations).toBeGreaterThanOrEqual(total)
  expect(operations % perTransaction).toBe(0)
  expect(foreignRows).toBe(0)
})

test("X17 a count that many take at once stays exact, locks and all", async () => {
  const { findHolder } = await import("#lib/limits/holder.ts")
  expect(await findHolder()).toEqual(pooler ? null : expect.any(Number))
  const { takeFromCounter } = await import("#lib/limits/counters.ts")
  const { takeRates } = await import("#lib/limits/rates.ts")
  const { scope } = households[0]!.tenant
  const counter = { name: "pooled", period: "p", limit: 7 }
  const taken = await Promise.all(
    Array.from({ length: 64 }, () =>
      database.withTenant(scope, (tx) => takeFromCounter(tx, scope, counter)),
    ),
  )
  expect(taken.filter(Boolean)).toHaveLength(7)
  const rated = await Promise.allSettled(
    Array.from({ length: 64 }, () => takeRates([{ rate: "chat.ip", subject: scope.tenantId }])),
  )
  expect(rated.filter(({ status }) => status === "fulfilled")).toHaveLength(20)
  const { withStreamLease } = await import("#lib/limits/streams.ts")
  const visitor = households[0]!.bots[0]!.visitors[0]!.scope
  const places = await Promise.allSettled(
    Array.from({ length: 30 }, () =>
      withStreamLease(visitor, "203.0.113.99", async (free) => free),
    ),
  )
  expect(places.filter(({ status }) => status === "fulfilled")).toHaveLength(5)
  for (const place of places) if (place.status === "fulfilled") await place.value()
})

test("X17 an open answer is cut within a second where LISTEN goes nowhere", async () => {
  // A pooler takes LISTEN and forgets it: straight to the server, it is forgotten here.
  const listen = vi.spyOn(database, "listenForRevocations")
  if (!pooler) listen.mockImplementation(async () => async () => {})
  const { openStream } = await import("#lib/admission/open-streams.ts")
  const { updateEmbedKey } = await import("#lib/keys/commands.ts")
  const household = households[1]!
  const { keyId, visitors } = household.bots[0]!
  const { signal, close } = openStream(visitors[0]!.sessionId)
  try {
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(signal.aborted).toBe(false)
    const cut = new Promise((resolve) => signal.addEventListener("abort", resolve))
    await updateEmbedKey(household.tenant.scope, keyId, { status: "disabled" })
    const offAt = performance.now()
    await cut
    expect(performance.now() - offAt).toBeLessThan(1_000)
    expect(listen).toHaveBeenCalled()
  } finally {
    close()
  }
})
