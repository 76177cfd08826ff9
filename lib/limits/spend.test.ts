import { afterAll, beforeAll, expect, test } from "vitest"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { nanosPerMinor } from "#lib/billing/prices.ts"
import { listRefusals } from "#lib/keys/queries.ts"
import { defaultKeyLimits, type KeyLimits } from "#lib/limits/schema.ts"
import { callDefiner, disconnect, withTenant } from "#lib/tenancy/database.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
} from "#prisma/factories.ts"
import { keyDayCap, type Reservation, reserveSpend, settleSpend } from "./spend.ts"

const minor = nanosPerMinor
let tenant: MadeTenant
let scope: VisitorScope
let keyId: string

beforeAll(async () => {
  tenant = await makeTenant()
})
afterAll(disconnect)

/** A visitor on a key of its own: no sum of an earlier test stands in the way. */
async function arrive(on = tenant): Promise<void> {
  const bot = await makeBot(on.scope)
  const key = await makeEmbedKey(on.scope, bot.id)
  keyId = key.id
  scope = (await makeVisitor(key.key)).scope
}

const limits = (monthlySpendMinor: number): KeyLimits => ({
  ...defaultKeyLimits,
  monthlySpendMinor,
})
const settle = (reservation: Reservation, cost: bigint) =>
  withTenant(scope, (tx) => settleSpend(tx, scope, reservation, cost))
const readSums = (subject: string) =>
  withTenant(tenant.scope, (tx) =>
    tx.spendCounter.findMany({ where: { subject }, orderBy: { period: "asc" } }),
  )

test("L09 of 100 calls at once, only as many start as the cap has room for", async () => {
  await arrive()
  // A day holds a fifth of the month: 50 minor a month leave room for ten calls of one today.
  const asked = Array.from({ length: 100 }, () => reserveSpend(scope, limits(50), minor))
  const started = (await Promise.all(asked)).filter((reservation) => reservation !== null)
  expect(keyDayCap(limits(50))).toBe(10n * minor)
  expect(started).toHaveLength(10)
  const refused = (await listRefusals(tenant.scope, keyId)).find((r) => r.reason === "spend_cap")
  expect(refused?.count).toBe(90)
  await Promise.all(started.map((reservation) => settle(reservation, minor / 2n)))
  for (const sum of await readSums(`key:${keyId}`))
    expect(sum).toMatchObject({ reservedNanos: 0n, spentNanos: 5n * minor })
})

test("L10 a call never costs more than was set aside for it", async () => {
  await arrive()
  const reservation = (await reserveSpend(scope, limits(100), minor))!
  expect(await settle(reservation, 50n * minor)).toBe(minor)
})

test("a cost below nothing gives nothing back: what was spent stays spent", async () => {
  await arrive()
  await settle((await reserveSpend(scope, limits(100), minor))!, minor)
  expect(await settle((await reserveSpend(scope, limits(100), minor))!, -50n * minor)).toBe(0n)
  for (const sum of await readSums(`key:${keyId}`))
    expect(sum).toMatchObject({ reservedNanos: 0n, spentNanos: minor })
})

test("a refused call leaves every sum as it was", async () => {
  await arrive()
  await settle((await reserveSpend(scope, limits(10), minor))!, minor)
  const before = await readSums("tenant")
  expect(await reserveSpend(scope, limits(10), 5n * minor)).toBeNull()
  expect(await readSums("tenant")).toEqual(before)
})

test("a self-registered tenant stops at the free allowance, whatever its keys allow", async () => {
  const other = await makeTenant()
  await arrive(other)
  const most = limits(100_000_000)
  expect(await reserveSpend(scope, most, 500n * minor)).not.toBeNull()
  expect(await reserveSpend(scope, most, 1n)).toBeNull()
})

test("L10 what a crashed process had set aside comes back, once", async () => {
  await arrive()
  const reservation = (await reserveSpend(scope, limits(100), minor))!
  await callDefiner("reclaim_now", "select limits.reclaim_reservations(-1)", [])
  for (const sum of await readSums(`key:${keyId}`)) expect(sum.reservedNanos).toBe(0n)
  // The process was only slow: what it spent counts all the same.
  await settle(reservation, minor)
  for (const sum of await readSums(`key:${keyId}`))
    expect(sum).toMatchObject({ reservedNanos: 0n, spentNanos: minor })
})

test("the owner is told once at half, four fifths and all of a key's month", async () => {
  await arrive()
  const at = (day: number) => new Date(Date.UTC(2030, 0, day))
  for (let day = 1; day <= 5; day++)
    await settle((await reserveSpend(scope, limits(10), 2n * minor, { at: at(day) }))!, 2n * minor)
  const { data } = await listAuditEvents(tenant.scope, { limit: 200 })
  const alerts = data.filter((event) => event.target === keyId && event.action.startsWith("spend."))
  expect(alerts.map((event) => event.action).sort()).toEqual([
    "spend.reached100",
    "spend.reached50",
    "spend.reached80",
  ])
})
