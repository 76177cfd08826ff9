import { afterAll, beforeAll, expect, test } from "vitest"
import { toMinor } from "#lib/billing/prices.ts"
import { beginTurn, finishTurn } from "#lib/conversations/turn.ts"
import { keyLimitsInput } from "#lib/limits/schema.ts"
import { reserveSpend } from "#lib/limits/spend.ts"
import { type ChatModel, worstCaseCost } from "#lib/models/chat-model.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
} from "#prisma/factories.ts"
import { largestPrompt } from "./prompt.ts"
import { worstDay } from "./queries.ts"

// The console states what a stolen key can cost in a day. Here somebody has one: forged Origins, a program at
// many addresses, an expensive model, every message as large as it gets and every call at its worst.

let tenant: MadeTenant

beforeAll(async () => {
  tenant = await makeTenant()
})
afterAll(disconnect)

const modelAt = (nanosPerToken: bigint): ChatModel => ({
  model: null as never,
  name: "expensive",
  price: { input: nanosPerToken, cached: nanosPerToken, output: nanosPerToken },
})

test.each([
  ["its money binds", { monthlySpendMinor: 50, messagesPerDay: 1_000 }, modelAt(4_000n)],
  ["its messages bind", { monthlySpendMinor: 50_000, messagesPerDay: 12 }, modelAt(40n)],
])(
  "a flooded key costs at most the worst day that the console states, where %s",
  async (_, set, model) => {
    const bot = await makeBot(tenant.scope)
    const key = await makeEmbedKey(tenant.scope, bot.id, { limits: set })
    const limits = keyLimitsInput.parse(key.limits)
    const stated = worstDay(limits, [], model)
    const worst = worstCaseCost(model, largestPrompt())

    const thieves = []
    for (let n = 1; n <= 8; n++) thieves.push(await makeVisitor(key.key, { ip: `203.0.113.${n}` }))
    const flood = thieves.map(async ({ scope }) => {
      for (let round = 0; round < 6; round++) {
        const turn = await beginTurn(scope, { message: "x".repeat(4_000) }, limits).catch(
          () => null,
        )
        if (!turn) continue
        const reservation = await reserveSpend(scope, limits, worst)
        const usage = {
          model: model.name,
          inputTokens: 1,
          outputTokens: 1,
          isEstimated: true,
          // More than the call was allowed: what is booked stays within what was set aside.
          costNanos: 2n * worst,
        }
        await finishTurn(scope, turn, {
          text: "Word",
          status: "complete",
          mode: "model",
          isAnswered: true,
          citations: [],
          spend: reservation && { usage, reservation },
        })
      }
    })
    await Promise.all(flood)

    const entries = await withTenant(tenant.scope, (tx) =>
      tx.usageEntry.findMany({ where: { keyId: key.id } }),
    )
    const spent = entries.reduce((sum, entry) => sum + entry.costNanos, 0n)
    expect(spent).toBeLessThanOrEqual(stated)
    expect(toMinor(spent)).toBeLessThanOrEqual(toMinor(stated))
    // And the figure is no idle one: the flood came within one message of it.
    expect(spent + worst).toBeGreaterThan(stated)
  },
)
