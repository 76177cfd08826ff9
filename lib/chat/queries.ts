import { toMinor } from "#lib/billing/prices.ts"
import { env } from "#lib/env.ts"
import { type EmbedKeyRow, requireEmbedKey } from "#lib/keys/queries.ts"
import { utcDay } from "#lib/limits/counters.ts"
import { effectiveLimits, type KeyLimits } from "#lib/limits/schema.ts"
import { keyDayCap, readTenantCap } from "#lib/limits/spend.ts"
import { type ChatModel, findChatModel, worstCaseCost } from "#lib/models/chat-model.ts"
import { readModelFor } from "#lib/models/queries.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { listToolsOfKey, type OfferedTool } from "#lib/tools/queries.ts"
import { largestPrompt } from "./prompt.ts"
import { toModelTool } from "./tools.ts"

/** Amounts in minor units of `currency`, rounded up. */
export type SpendView = {
  currency: string
  month: string
  spentMinor: number
  capMinor: number
  /** False without a model: answers then quote, and cost nothing. */
  hasModel: boolean
}

export type KeySpendView = SpendView & {
  todayMinor: number
  dayCapMinor: number
  /** The most a stolen copy of this key can cost in a day at the present settings. */
  worstDayMinor: number
}

export type NamedKeySpend = KeySpendView & {
  id: string
  name: string
  lastFour: string
  isOn: boolean
}

const utcMonth = () => utcDay().slice(0, 7)

/** What the tenant has spent this month, and what it may. */
export async function getSpend(scope: TenantScope): Promise<SpendView> {
  allow(scope, "usage.read")
  const month = utcMonth()
  return withTenant(scope, async (tx) => {
    const sum = await tx.spendCounter.findFirst({ where: { subject: "tenant", period: month } })
    const model = await readModelFor(tx, scope)
    return {
      currency: env.CURRENCY,
      month,
      spentMinor: toMinor(sum?.spentNanos ?? 0n),
      capMinor: await readTenantCap(tx, model?.ownerId !== undefined),
      hasModel: model !== null,
    }
  })
}

/** The same for one key, with its day and the worst that a thief could make of it. */
export async function getKeySpend(scope: TenantScope, keyId: string): Promise<KeySpendView> {
  allow(scope, "keys.read")
  return withTenant(scope, async (tx) =>
    readKeySpend(tx, await requireEmbedKey(tx, keyId), await readModelFor(tx, scope)),
  )
}

/** The same for the tenant's newest 200 keys, with what an owner knows them by. */
export async function listKeySpend(scope: TenantScope): Promise<NamedKeySpend[]> {
  allow(scope, "keys.read")
  return withTenant(scope, async (tx) => {
    const keys = await tx.embedKey.findMany({
      where: { purpose: "site" },
      orderBy: { createdAt: "desc" },
      take: 200,
    })
    const model = await readModelFor(tx, scope)
    const views: NamedKeySpend[] = []
    for (const key of keys) {
      const { id, name, random, status } = key
      const facts = { id, name, lastFour: random.slice(-4), isOn: status === "active" }
      views.push({ ...facts, ...(await readKeySpend(tx, key, model)) })
    }
    return views
  })
}

async function readKeySpend(
  tx: Tx,
  key: EmbedKeyRow,
  model: ChatModel | null,
): Promise<KeySpendView> {
  const month = utcMonth()
  const limits = effectiveLimits(
    key.mode === "test" ? "test" : "live",
    key.limits as Partial<KeyLimits>,
  )
  const sums = await tx.spendCounter.findMany({
    where: { subject: `key:${key.id}`, period: { in: [month, utcDay()] } },
  })
  const spent = (period: string) =>
    toMinor(sums.find((sum) => sum.period === period)?.spentNanos ?? 0n)
  return {
    currency: env.CURRENCY,
    month,
    spentMinor: spent(month),
    capMinor: limits.monthlySpendMinor,
    todayMinor: spent(utcDay()),
    dayCapMinor: toMinor(keyDayCap(limits)),
    worstDayMinor: toMinor(worstDay(limits, await listToolsOfKey(tx, key.id), model)),
    hasModel: model !== null,
  }
}

/**
 * In nanos: every message of the day at its largest, or what the day may cost, whichever is less. The day's
 * cap holds because each call reserves its worst case first.
 */
export function worstDay(
  limits: KeyLimits,
  toolsOfBots: OfferedTool[][] = [],
  model = findChatModel(),
): bigint {
  if (!model) return 0n
  const costs = [[], ...toolsOfBots].map((tools) =>
    worstCaseCost(model, largestPrompt(), tools.map(toModelTool)),
  )
  const message = costs.sort((a, b) => (a < b ? 1 : -1))[0]!
  const messages = BigInt(limits.messagesPerDay) * message
  const cap = keyDayCap(limits)
  return messages < cap ? messages : cap
}
