import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { solveChallenge } from "#components/widget/bot-check.ts"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { nanosPerMinor } from "#lib/billing/prices.ts"
import { beginTurn, finishTurn } from "#lib/conversations/turn.ts"
import { updateEmbedKey } from "#lib/keys/commands.ts"
import { getEmbedKey, listRefusals } from "#lib/keys/queries.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import { hoursOf, utcHour } from "#lib/limits/counters.ts"
import { type KeyLimits, keyLimitsInput } from "#lib/limits/schema.ts"
import { keyDayCap, reserveSpend, settleSpend } from "#lib/limits/spend.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  shopOrigin,
} from "#prisma/factories.ts"
import { redeemTicket } from "./sessions.ts"
import { sellTicket } from "./tickets.ts"

// A thief copies the line from the page and writes the right Origin by hand. Each of their addresses gets its
// share, the owner's visitors go on, and from the half of a day on everyone has to work for a session.

let tenant: MadeTenant
let key: EmbedKeyView
let limits: KeyLimits

beforeAll(async () => {
  tenant = await makeTenant()
})
beforeEach(async () => {
  const bot = await makeBot(tenant.scope)
  key = await makeEmbedKey(tenant.scope, bot.id, {
    limits: { messagesPerDay: 40, monthlySpendMinor: 100 },
  })
  limits = keyLimitsInput.parse(key.limits)
})
afterAll(disconnect)

const thief = (n: number) => `203.0.113.${n}`
const visitor = (n: number) => `198.51.100.${n}`

const buy = (ip: string) => sellTicket({ key: key.key, origin: shopOrigin, ip })
async function enter(ip: string, isWilling = true): Promise<VisitorScope> {
  const { ticket, botCheck } = await buy(ip)
  const proof = botCheck &&
    isWilling && {
      challenge: botCheck.challenge,
      solution: (await solveChallenge(botCheck.challenge))!,
    }
  const input = { ticket, ...(proof ? { botCheck: proof } : {}) }
  return (await redeemTicket(input, { ip, userAgent: null, origin: null })).scope
}
async function ask(scope: VisitorScope): Promise<void> {
  const turn = await beginTurn(scope, { message: "Hello?" }, limits)
  await finishTurn(scope, turn, {
    text: "Hello.",
    status: "complete",
    mode: "quotes",
    isAnswered: true,
    citations: [],
    spend: null,
  })
}
/** Asks until it is refused; how often it was answered. */
async function exhaust(scope: VisitorScope, most = 100): Promise<number> {
  for (let count = 0; count < most; count++) {
    try {
      await ask(scope)
    } catch (error) {
      expect(error).toMatchObject({ code: "day_limit", status: 429 })
      return count
    }
  }
  return most
}
const listRaised = async () =>
  (await listAuditEvents(tenant.scope, { limit: 200 })).data.filter(
    (event) => event.target === key.id && event.action === "embedKey.checkRaised",
  )

test("a copied key raises the bot check at half of the day; visitors elsewhere are served, programs are not", async () => {
  // One address gets ten messages of forty, however hard it tries, and nobody else notices.
  const first = await enter(thief(1))
  expect(await exhaust(first)).toBe(10)
  await ask(await enter(visitor(1)))
  expect((await buy(visitor(2))).botCheck).toBeUndefined()
  expect(await listRaised()).toEqual([])

  // So it takes more addresses, and the twentieth message is half of the day.
  await exhaust(await enter(thief(2)), 9)
  const asked = await buy(thief(3))
  expect(asked.botCheck).toMatchObject({ isStrict: false })
  await expect(enter(thief(3), false)).rejects.toMatchObject({ code: "bot_check_required" })

  // A real visitor's browser does the work and is answered.
  await ask(await enter(visitor(3)))

  const raised = await getEmbedKey(tenant.scope, key.id)
  const midnight = new Date(`${new Date().toISOString().slice(0, 10)}T00:00:00Z`).getTime()
  expect(Date.parse(raised.botCheckRaisedUntil!)).toBe(midnight + 86_400_000)
  expect(raised.botCheck).toBe("off")
  expect(await listRaised()).toMatchObject([{ after: { spent: "messages" } }])
  const refusals = await listRefusals(tenant.scope, key.id)
  expect(refusals.map((refusal) => refusal.reason).sort()).toEqual(["bot_check", "day_limit"])

  // Told once, not at every tenth; and the owner's word ends it.
  await exhaust(await enter(visitor(4)), 9)
  expect(await listRaised()).toHaveLength(1)
  await updateEmbedKey(tenant.scope, key.id, { botCheck: "off" })
  expect((await buy(visitor(5))).botCheck).toBeUndefined()
})

test("a day like any other asks nobody, however much of it is used", async () => {
  // Forty messages an hour, a day long, are this key's usual.
  const rows = Array.from({ length: 24 }, (_, i) => ({
    tenantId: tenant.tenantId,
    name: hoursOf(key.id),
    period: utcHour(new Date(Date.now() - (i + 25) * 3_600_000)),
    used: 40,
  }))
  await withTenant(tenant.scope, (tx) => tx.counter.createMany({ data: rows }))
  for (const n of [1, 2, 3]) await exhaust(await enter(visitor(10 + n)))
  expect((await buy(visitor(20))).botCheck).toBeUndefined()
  expect(await listRaised()).toEqual([])
})

test("L14 money is watched as messages are, and one address gets its share of the day's", async () => {
  // 100 minor a month are 20 a day; ten calls' worth is more than 5 percent, so an address gets ten calls.
  expect(keyDayCap(limits)).toBe(20n * nanosPerMinor)
  const spend = async (scope: VisitorScope) => {
    const reservation = await reserveSpend(scope, limits, nanosPerMinor / 2n)
    if (!reservation) return false
    await withTenant(scope, (tx) => settleSpend(tx, scope, reservation, reservation.nanos))
    return true
  }
  const spendAll = async (scope: VisitorScope) => {
    let count = 0
    while (await spend(scope)) count += 1
    return count
  }
  await ask(await enter(visitor(1)))
  expect(await spendAll(await enter(thief(1)))).toBe(10)
  expect((await buy(visitor(2))).botCheck).toBeUndefined()
  expect(await spendAll(await enter(thief(2)))).toBe(10)
  expect((await buy(thief(3))).botCheck).toMatchObject({ isStrict: false })
  expect(await spend(await enter(visitor(3)))).toBe(true)
  expect(await listRaised()).toMatchObject([{ after: { spent: "money" } }])
  const share = (await listRefusals(tenant.scope, key.id)).find((r) => r.reason === "spend_share")
  expect(share?.count).toBe(2)
})
