import { afterAll, beforeAll, expect, test } from "vitest"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { type MadeTenant, makeTenant } from "#prisma/factories.ts"
import { secondsLeftToday, takeFromCounter, utcDay } from "./counters.ts"

let tenant: MadeTenant
beforeAll(async () => {
  tenant = await makeTenant()
})
afterAll(disconnect)

const take = (counter: { name: string; limit: number; period?: string }, owner = tenant) =>
  withTenant(owner.scope, (tx) => takeFromCounter(tx, owner.scope, { period: "p", ...counter }))

const countTrue = (values: boolean[]) => values.filter(Boolean).length

test("a budget of 7 lets exactly 7 of 50 through that come at once", async () => {
  const takes = Array.from({ length: 50 }, () => take({ name: "seven", limit: 7 }))
  expect(countTrue(await Promise.all(takes))).toBe(7)
  const [row] = await withTenant(tenant.scope, (tx) =>
    tx.counter.findMany({ where: { name: "seven" } }),
  )
  expect(row!.used).toBe(7)
})

test("a transaction that fails gives back what it took", async () => {
  for (let i = 0; i < 5; i++) {
    const failing = withTenant(tenant.scope, async (tx) => {
      expect(await takeFromCounter(tx, tenant.scope, { name: "back", period: "p", limit: 1 })).toBe(
        true,
      )
      throw new Error("on purpose")
    })
    await expect(failing).rejects.toThrow("on purpose")
  }
  expect(await take({ name: "back", limit: 1 })).toBe(true)
  expect(await take({ name: "back", limit: 1 })).toBe(false)
})

test("a budget of nothing gives nothing, and a raised one gives the difference", async () => {
  expect(await take({ name: "none", limit: 0 })).toBe(false)
  expect(await take({ name: "raised", limit: 1 })).toBe(true)
  expect(await take({ name: "raised", limit: 1 })).toBe(false)
  expect(await take({ name: "raised", limit: 2 })).toBe(true)
  expect(await take({ name: "raised", limit: 1 })).toBe(false)
})

test("names, periods and tenants have budgets of their own", async () => {
  const other = await makeTenant()
  expect(await take({ name: "own", limit: 1 })).toBe(true)
  expect(await take({ name: "other", limit: 1 })).toBe(true)
  expect(await take({ name: "own", limit: 1, period: "q" })).toBe(true)
  expect(await take({ name: "own", limit: 1 }, other)).toBe(true)
  expect(await take({ name: "own", limit: 1 })).toBe(false)
})

test("a day begins and ends at midnight UTC", () => {
  expect(utcDay(new Date("2026-11-20T23:59:59.900Z"))).toBe("2026-11-20")
  expect(utcDay(new Date("2026-11-21T00:00:00.100Z"))).toBe("2026-11-21")
  expect(utcDay(new Date("2028-02-29T12:00:00Z"))).toBe("2028-02-29")
  expect(secondsLeftToday(new Date("2026-11-20T23:59:59.900Z"))).toBe(1)
  expect(secondsLeftToday(new Date("2026-11-20T00:00:00.000Z"))).toBe(86_400)
  expect(secondsLeftToday(new Date("2026-12-31T23:00:00.000Z"))).toBe(3_600)
})
