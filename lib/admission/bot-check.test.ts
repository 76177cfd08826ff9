import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { solveChallenge } from "#components/widget/bot-check.ts"
import type { BotCheckRequest } from "#lib/bot-check/challenge.ts"
import type { BotCheckMode, BotCheckProof } from "#lib/bot-check/schema.ts"
import { noteTicket } from "#lib/bot-check/suspicion.ts"
import { updateEmbedKey } from "#lib/keys/commands.ts"
import { listRefusals } from "#lib/keys/queries.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import { newSecret } from "#lib/secrets.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { countRefusal } from "#lib/tenancy/directory.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  shopOrigin,
} from "#prisma/factories.ts"
import { withClient } from "#runtime/database-roles.ts"
import { sessionInput } from "./schema.ts"
import { redeemTicket } from "./sessions.ts"
import { createPreviewTicket, sellTicket } from "./tickets.ts"

let tenant: MadeTenant
let botId: string

beforeAll(async () => {
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
})
afterAll(disconnect)

const required = { code: "bot_check_required", status: 403 }
const makeKey = (botCheck: BotCheckMode) => makeEmbedKey(tenant.scope, botId, { botCheck })
/** An address that nothing has been noted of. */
const newAddress = () => {
  const byte = () => 1 + Math.floor(Math.random() * 250)
  return `10.${byte()}.${byte()}.${byte()}`
}
const buy = (key: EmbedKeyView, ip = newAddress()) =>
  sellTicket({ key: key.key, origin: shopOrigin, ip })
const solve = async ({ challenge }: BotCheckRequest): Promise<BotCheckProof> => ({
  challenge,
  solution: (await solveChallenge(challenge))!,
})
type Extra = { botCheck?: BotCheckProof; visitorSecret?: string }
const redeem = (ticket: string, extra: Extra = {}, ip = newAddress()) =>
  redeemTicket({ ticket, ...extra }, { ip, userAgent: null, origin: null })

test("a key that asks for none sells tickets without a challenge", async () => {
  const { ticket, botCheck } = await buy(await makeKey("off"))
  expect(botCheck).toBeUndefined()
  await redeem(ticket)
})

describe("a key that always asks", () => {
  let key: EmbedKeyView
  beforeAll(async () => {
    key = await makeKey("always")
  })

  test("opens a session for the work, once", async () => {
    const { ticket, botCheck } = await buy(key)
    expect(botCheck).toMatchObject({ isStrict: false })
    const proof = await solve(botCheck!)
    await redeem(ticket, { botCheck: proof })
    await expect(redeem(ticket, { botCheck: proof })).rejects.toMatchObject({ status: 401 })
    const next = await buy(key)
    await expect(redeem(next.ticket, { botCheck: proof })).rejects.toMatchObject(required)
  })

  test("50 redemptions of one solved ticket at once are one session", async () => {
    const { ticket, botCheck } = await buy(key)
    const proof = await solve(botCheck!)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () => redeem(ticket, { botCheck: proof })),
    )
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
  })

  test("K34 refuses no solution, a wrong one and another ticket's, counts them, and keeps the ticket", async () => {
    const own = await makeKey("always")
    const [first, second] = [await buy(own), await buy(own)]
    const foreign = await solve(second.botCheck!)
    const wrong = { ...foreign.solution, derivedKey: "00".repeat(32) }
    const attempts: Extra[] = [
      {},
      { botCheck: foreign },
      { botCheck: { challenge: first.botCheck!.challenge, solution: wrong } },
      { botCheck: { challenge: first.botCheck!.challenge, solution: foreign.solution } },
    ]
    for (const attempt of attempts)
      await expect(redeem(first.ticket, attempt)).rejects.toMatchObject(required)
    expect(await listRefusals(tenant.scope, own.id)).toMatchObject([
      { origin: shopOrigin, reason: "bot_check", count: attempts.length },
    ])
    await redeem(first.ticket, { botCheck: await solve(first.botCheck!) })
  })

  test("leaves no visitor and no session behind what it refuses", async () => {
    const count = () =>
      withTenant(tenant.scope, async (tx) => [
        await tx.visitor.count(),
        await tx.session.count(),
        await tx.spentTicket.count(),
      ])
    const before = await count()
    const { ticket } = await buy(key)
    await expect(redeem(ticket)).rejects.toMatchObject(required)
    expect(await count()).toEqual(before)
  })

  test("its challenge dies with the ticket", async () => {
    const { ticket, botCheck } = await buy(key)
    const proof = await solve(botCheck!)
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 })
    try {
      // The ticket itself has five seconds of tolerance for clocks; the challenge has none.
      await expect(redeem(ticket, { botCheck: proof })).rejects.toMatchObject(required)
      vi.setSystemTime(Date.now() + 10_000)
      await expect(redeem(ticket, { botCheck: proof })).rejects.toMatchObject({ status: 401 })
    } finally {
      vi.useRealTimers()
    }
  })

  test.each([null, "", "x", {}, [], { challenge: {} }, { solution: 1 }])(
    "takes %j for no proof, not for a fault",
    (botCheck) => {
      expect(sessionInput.parse({ ticket: "t", botCheck })).toEqual({ ticket: "t" })
    },
  )

  test("asks no member in their own preview", async () => {
    const { ticket } = await createPreviewTicket(tenant.scope, botId)
    await redeem(ticket)
  })
})

describe("a renewal", () => {
  /** A visitor who did the work for their session, and the key they hold. */
  async function enter() {
    const key = await makeKey("always")
    const { ticket, botCheck } = await buy(key)
    const opened = await redeem(ticket, { botCheck: await solve(botCheck!) })
    return { key, ...opened }
  }

  test("of a session that passed is free, and is the same session", async () => {
    const { key, sessionId, visitorSecret } = await enter()
    const renewed = await redeem((await buy(key)).ticket, { visitorSecret })
    expect(renewed.sessionId).toBe(sessionId)
  })

  test("of a session that never passed is not", async () => {
    const key = await makeKey("off")
    const { visitorSecret } = await redeem((await buy(key)).ticket)
    await updateEmbedKey(tenant.scope, key.id, { botCheck: "always" })
    await expect(redeem((await buy(key)).ticket, { visitorSecret })).rejects.toMatchObject(required)
    const { ticket, botCheck } = await buy(key)
    await redeem(ticket, { visitorSecret, botCheck: await solve(botCheck!) })
    await redeem((await buy(key)).ticket, { visitorSecret })
  })

  test("is not free a day later, nor with somebody else's secret or an ended session", async () => {
    const { key, sessionId, visitorSecret } = await enter()
    const refuse = async (secret: string) =>
      expect(redeem((await buy(key)).ticket, { visitorSecret: secret })).rejects.toMatchObject(
        required,
      )
    await refuse(newSecret(24))
    const change = (data: object) =>
      withTenant(tenant.scope, (tx) => tx.session.update({ where: { id: sessionId }, data }))
    await change({ botCheckedAt: new Date(Date.now() - 86_401_000) })
    await refuse(visitorSecret)
    await change({ botCheckedAt: new Date(), endedAt: new Date() })
    await refuse(visitorSecret)
  })

  test("is not free for an address that has grown suspicious", async () => {
    const { key, visitorSecret } = await enter()
    const ip = newAddress()
    for (let i = 0; i < 10; i++) await countRefusal(key.id, "rate_limited", null, ip)
    const { ticket, botCheck } = await buy(key, ip)
    expect(botCheck).toMatchObject({ isStrict: true })
    await expect(redeem(ticket, { visitorSecret }, ip)).rejects.toMatchObject(required)
    await redeem(ticket, { visitorSecret, botCheck: await solve(botCheck!) }, ip)
  })
})

describe("a key that asks on suspicion", () => {
  test("asks nobody on a quiet day", async () => {
    const key = await makeKey("suspicious")
    const { ticket, botCheck } = await buy(key)
    expect(botCheck).toBeUndefined()
    await redeem(ticket)
  })

  test("asks the address whose requests were refused ten times, and no other", async () => {
    const key = await makeKey("suspicious")
    const ip = newAddress()
    const refuse = () =>
      sellTicket({ key: key.key, origin: "https://evil.test", ip }).catch(() => {})
    for (let i = 0; i < 9; i++) await refuse()
    expect((await buy(key, ip)).botCheck).toBeUndefined()
    await refuse()
    const asked = await buy(key, ip)
    expect(asked.botCheck).toMatchObject({ isStrict: true })
    await expect(redeem(asked.ticket, {}, ip)).rejects.toMatchObject(required)
    expect((await buy(key)).botCheck).toBeUndefined()
    const other = await makeKey("suspicious")
    expect((await buy(other, ip)).botCheck).toBeUndefined()
  })

  test("asks everyone, gently, once the key as a whole is refused a hundred times", async () => {
    const key = await makeKey("suspicious")
    for (let i = 0; i < 100; i++) await countRefusal(key.id, "origin_refused", null, newAddress())
    expect((await buy(key)).botCheck).toMatchObject({ isStrict: false })
  })

  test("asks an address that buys more than half of what its rate allows in an hour", async () => {
    const key = await makeEmbedKey(tenant.scope, botId, {
      botCheck: "suspicious",
      limits: { ticketsPerMinutePerIp: 1 },
    })
    const [ip, other] = [newAddress(), newAddress()]
    // Half of 1 a minute is 30 an hour; what is bought below is the 31st.
    for (let i = 0; i < 30; i++) await noteTicket(key.id, ip)
    expect((await buy(key, ip)).botCheck).toMatchObject({ isStrict: true })
    expect((await buy(key, other)).botCheck).toBeUndefined()
  })

  test("remembers the hour before this one by the share that is left of it, and none further back", async () => {
    const key = await makeKey("suspicious")
    const ip = newAddress()
    for (let i = 0; i < 40; i++) await countRefusal(key.id, "rate_limited", null, ip)
    expect(await noteTicket(key.id, ip)).toMatchObject({ addressRefusals: 40, keyRefusals: 40 })
    const age = (hours: number) =>
      withClient(process.env.TEST_OWNER_URL!, (client) =>
        client.query(
          "update limits.bot_signals set hour = hour - make_interval(hours => $2) where key_id = $1",
          [key.id, hours],
        ),
      )
    await age(1)
    const left = 60 - new Date().getMinutes()
    const { addressRefusals } = await noteTicket(key.id, ip)
    expect(Math.abs(addressRefusals - (40 * left) / 60)).toBeLessThanOrEqual(2)
    // By two: moved by one, this hour's row would meet the one before it on its way.
    await age(2)
    expect(await noteTicket(key.id, ip)).toMatchObject({ addressRefusals: 0, keyRefusals: 0 })
  })
})
