import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { createApiKey } from "#lib/keys/api-keys.ts"
import { getEmbedKey, listApiKeys, listEmbedKeys } from "#lib/keys/queries.ts"
import { searchKnowledge } from "#lib/knowledge/search.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeTextSource,
  makeVisitor,
  scopeAs,
} from "#prisma/factories.ts"
import { createBot, deleteBot, updateBot } from "./commands.ts"
import { getBot, listBots } from "./queries.ts"
import { botView, createBotInput, updateBotInput } from "./schema.ts"

let tenant: MadeTenant
beforeAll(async () => {
  tenant = await makeTenant()
})
afterAll(disconnect)

const missing = { code: "not_found", status: 404 }

test("a new bot is not published, and its view holds what the schema says and nothing else", async () => {
  const bot = await createBot(tenant.scope, { name: "Rita" })
  expect(bot).toMatchObject({ name: "Rita", published: false })
  expect(botView.parse(bot)).toEqual(bot)
  expect(await getBot(tenant.scope, bot.id)).toEqual(bot)
})

test("a change touches what it names and nothing else, and the log says what it was", async () => {
  const bot = await createBot(tenant.scope, { name: "Rita", color: "#112233" })
  const changed = await updateBot(tenant.scope, bot.id, { greeting: "Hi", label: undefined })
  const { updatedAt: _, ...rest } = changed
  const { updatedAt: __, ...expected } = { ...bot, greeting: "Hi" }
  expect(rest).toEqual(expected)
  const { data } = await listAuditEvents(tenant.scope)
  expect(
    data.find((event) => event.target === bot.id && event.action === "bot.changed"),
  ).toMatchObject({ before: { greeting: bot.greeting }, after: { greeting: "Hi" } })
})

test("deleting a bot takes its knowledge, its last keys and its conversations, and no other bot's", async () => {
  const [doomed, kept] = [await makeBot(tenant.scope), await makeBot(tenant.scope)]
  await makeTextSource(tenant.scope, doomed.id, { title: "Secret", text: "The word is plover." })
  const lone = await makeEmbedKey(tenant.scope, doomed.id)
  const both = await makeEmbedKey(tenant.scope, doomed.id, { botIds: [doomed.id, kept.id] })
  await makeVisitor(lone.key)
  const { id: apiKeyId } = await createApiKey(tenant.scope, { name: "x", defaultBotId: doomed.id })
  await deleteBot(tenant.scope, doomed.id)
  await expect(getBot(tenant.scope, doomed.id)).rejects.toMatchObject(missing)
  await expect(getEmbedKey(tenant.scope, lone.id)).rejects.toMatchObject(missing)
  expect((await getEmbedKey(tenant.scope, both.id)).botIds).toEqual([kept.id])
  await expect(searchKnowledge(tenant.scope, doomed.id, "plover")).rejects.toMatchObject(missing)
  const keys = await listApiKeys(tenant.scope)
  expect(keys.data.find((key) => key.id === apiKeyId)!.defaultBotId).toBeNull()
  await withTenant(tenant.scope, async (tx) => {
    const where = { botId: doomed.id }
    expect(await tx.chunk.count({ where })).toBe(0)
    expect(await tx.session.count({ where })).toBe(0)
    expect(await tx.visitor.count({ where })).toBe(0)
  })
})

test("another tenant's bot is not there: not to read, change, delete or hang a key on", async () => {
  const other = await makeTenant()
  const attempts = [
    () => getBot(tenant.scope, other.botId),
    () => updateBot(tenant.scope, other.botId, { name: "Mine" }),
    () => deleteBot(tenant.scope, other.botId),
    () => listEmbedKeys(tenant.scope, other.botId),
    () => makeEmbedKey(tenant.scope, other.botId),
    () => createApiKey(tenant.scope, { name: "x", defaultBotId: other.botId }),
  ]
  for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(missing)
  expect((await getBot(other.scope, other.botId)).name).not.toBe("Mine")
})

test("each role does what its table says", async () => {
  const bot = await createBot(tenant.scope, { name: "Rita" })
  const forbidden = { code: "forbidden", status: 403 }
  await getBot(scopeAs(tenant, "viewer"), bot.id)
  await expect(updateBot(scopeAs(tenant, "viewer"), bot.id, { name: "x" })).rejects.toMatchObject(
    forbidden,
  )
  await updateBot(scopeAs(tenant, "member"), bot.id, { name: "x" })
  await expect(deleteBot(scopeAs(tenant, "member"), bot.id)).rejects.toMatchObject(forbidden)
  const key = await makeEmbedKey(tenant.scope, (await makeBot(tenant.scope)).id)
  const { scope: visitor } = await makeVisitor(key.key)
  for (const attempt of [
    () => getBot(visitor, bot.id),
    () => listBots(visitor),
    () => updateBot(visitor, bot.id, { name: "x" }),
    () => createBot(visitor, { name: "x" }),
    () => deleteBot(visitor, bot.id),
  ])
    await expect(attempt()).rejects.toMatchObject(forbidden)
  await deleteBot(scopeAs(tenant, "admin"), bot.id)
})

test("a list pages through every bot once, newest first", async () => {
  const own = await makeTenant()
  for (let i = 0; i < 4; i++) await makeBot(own.scope)
  const all = (await listBots(own.scope)).data.map((bot) => bot.id)
  expect(all).toHaveLength(5)
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await listBots(own.scope, { limit: 2, cursor })
    expect(page.data.length).toBeLessThanOrEqual(2)
    seen.push(...page.data.map((bot) => bot.id))
    cursor = page.nextCursor ?? undefined
  } while (cursor)
  expect(seen).toEqual(all)
})

describe("an input is refused", () => {
  test.each([
    ["without a name", {}],
    ["with a blank name", { name: "  " }],
    ["with an endless name", { name: "x".repeat(61) }],
    ["with a colour that is CSS", { name: "x", color: "red;background:url(//evil)" }],
    ["with a locale that is none", { name: "x", locale: "../../etc" }],
    ["with another side", { name: "x", position: "top" }],
    ["with too many starters", { name: "x", starters: ["a", "b", "c", "d", "e"] }],
    ["with endless words at the limit", { name: "x", limitNote: "x".repeat(301) }],
    ["naming a tenant", { name: "x", tenantId: "ten_b" }],
    ["naming an id", { name: "x", id: "bot_b" }],
    ["naming an epoch", { name: "x", epoch: 0 }],
  ])("%s", (_, input) => {
    expect(createBotInput.safeParse(input).success).toBe(false)
    if (Object.keys(input).length > 1) expect(updateBotInput.safeParse(input).success).toBe(false)
  })
})
