import { afterAll, expect, test } from "vitest"
import { newId } from "#lib/ids.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { makeBot, makeTenant } from "#prisma/factories.ts"
import { getCost } from "./queries.ts"

afterAll(disconnect)

test("costs are rounded up once each: forty tenths of a cent are four cents, not forty", async () => {
  const { scope } = await makeTenant()
  const [a, b] = [await makeBot(scope), await makeBot(scope)]
  const spend = (botId: string, count: number) =>
    withTenant(scope, (tx) =>
      tx.usageEntry.createMany({
        data: Array.from({ length: count }, () => ({
          id: newId("usage"),
          tenantId: scope.tenantId,
          botId,
          kind: "chat",
          model: "scripted-1",
          inputTokens: 1,
          outputTokens: 1,
          isEstimated: false,
          costNanos: 100_000_000n,
        })),
      }),
    )
  await spend(a.id, 35)
  await spend(b.id, 5)
  const cost = await getCost(scope)
  expect(cost.totalMinor).toBe(4)
  expect(cost.days.map((day) => day.costMinor)).toEqual([4])
  expect(cost.bots.find((bot) => bot.botId === a.id)?.costMinor).toBe(4)
  expect(cost.bots.find((bot) => bot.botId === b.id)?.costMinor).toBe(1)
  expect(await getCost((await makeTenant()).scope)).toEqual({ totalMinor: 0, days: [], bots: [] })
})
