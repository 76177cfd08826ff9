import { record } from "#lib/audit/record.ts"
import { newId } from "#lib/ids.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { requireBot, toBotView } from "./queries.ts"
import type { BotView, CreateBotInput, UpdateBotInput } from "./schema.ts"

const defaultGreeting = "Hello! Ask me anything; I answer from our own pages."

/** Creates an unpublished bot. */
export async function createBot(scope: TenantScope, input: CreateBotInput): Promise<BotView> {
  allow(scope, "bots.write")
  return withTenant(scope, (tx) => insertBot(tx, scope, { ...input, isNamed: true }))
}

/** The same inside the caller's transaction, for sign-up. */
export async function insertBot(
  tx: Tx,
  scope: TenantScope,
  { isNamed, ...input }: CreateBotInput & { isNamed: boolean },
): Promise<BotView> {
  const row = await tx.bot.create({
    data: {
      id: newId("bot"),
      tenantId: scope.tenantId,
      greeting: defaultGreeting,
      ...withoutUndefined(input),
      isNamed,
    },
  })
  await record(tx, scope, { action: "bot.created", target: row.id, after: { name: row.name } })
  return toBotView(row)
}

/** Changes what `input` names and nothing else. Unpublishing cuts off every open chat. */
export async function updateBot(
  scope: TenantScope,
  botId: string,
  { published, ...input }: UpdateBotInput,
): Promise<BotView> {
  allow(scope, "bots.write")
  return withTenant(scope, async (tx) => {
    const before = toBotView(await requireBot(tx, botId))
    const row = await tx.bot.update({
      where: { id: botId },
      data: {
        ...withoutUndefined(input),
        ...(published === undefined ? {} : { isPublished: published }),
        ...(input.name === undefined ? {} : { isNamed: true }),
      },
    })
    const after = toBotView(row)
    const changed = (Object.keys(after) as (keyof BotView)[]).filter(
      (field) =>
        field !== "updatedAt" && JSON.stringify(before[field]) !== JSON.stringify(after[field]),
    )
    await record(tx, scope, {
      action:
        published === undefined ? "bot.changed" : published ? "bot.published" : "bot.unpublished",
      target: botId,
      before: Object.fromEntries(changed.map((field) => [field, before[field]])),
      after: Object.fromEntries(changed.map((field) => [field, after[field]])),
    })
    return after
  })
}

/** Deletes a bot with its knowledge, conversations and leads. Its passes are dead on the next request. */
export async function deleteBot(scope: TenantScope, botId: string): Promise<void> {
  allow(scope, "bots.delete")
  await withTenant(scope, async (tx) => {
    await tx.$queryRaw`select id from public.bots where id = ${botId} for update`
    const bot = await requireBot(tx, botId)
    // A key left without any bot opens nothing; it goes with its last one, previews included.
    const links = await tx.embedKeyBot.findMany({ where: { botId } })
    for (const { keyId } of links) {
      const bots = await tx.embedKeyBot.count({ where: { keyId } })
      if (bots === 1) await tx.embedKey.deleteMany({ where: { id: keyId } })
    }
    await tx.apiKey.updateMany({ where: { defaultBotId: botId }, data: { defaultBotId: null } })
    await tx.bot.delete({ where: { id: botId } })
    await record(tx, scope, { action: "bot.deleted", target: botId, before: { name: bot.name } })
  })
}

function withoutUndefined<T extends object>(
  value: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as never
}
