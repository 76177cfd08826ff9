import { beginTurn, finishTurn } from "#lib/conversations/turn.ts"
import { fail } from "#lib/errors.ts"
import { blockNetwork } from "#lib/incidents/commands.ts"
import { addFileSource, addTextSource } from "#lib/knowledge/add-sources.ts"
import { addCrawl } from "#lib/knowledge/crawl-commands.ts"
import { ingestSource } from "#lib/knowledge/ingest.ts"
import { storeVectors } from "#lib/knowledge/vectors.ts"
import { createLead } from "#lib/leads/commands.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import { reserveSpend } from "#lib/limits/spend.ts"
import { saveTenantModel } from "#lib/models/commands.ts"
import { createGolden, runGolden } from "#lib/quality/commands.ts"
import { dismissGap } from "#lib/quality/gaps.ts"
import { askForConfirmation } from "#lib/tools/calls.ts"
import type { OfferedTool } from "#lib/tools/queries.ts"
import { addServer } from "#lib/tools/servers.ts"
import {
  type MadeTenant,
  type MadeVisitor,
  makeApiKey,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
  makeWriteTool,
} from "#prisma/factories.ts"
import { withTenant } from "./database.ts"
import { countRefusal } from "./directory.ts"

export type Household = {
  tenant: MadeTenant
  /** Two bots with a key, a source and two visitors each, every visitor with a conversation and a lead. */
  bots: { botId: string; keyId: string; visitors: MadeVisitor[] }[]
  /** Stands in every text of this tenant and in no other's. */
  canary: string
}

/** A tenant with rows in every table, made through the product's own commands. */
export async function makeHousehold(): Promise<Household> {
  const tenant = await makeTenant()
  const canary = `canary${tenant.tenantId.slice(4)}`
  await makeApiKey(tenant.scope)
  await saveTenantModel(tenant.scope, {
    provider: "openai-compatible",
    // Public, and needs no DNS; nobody asks it here.
    url: "https://93.184.216.34/v1",
    name: canary,
    apiKey: `sk-${canary}`,
    inputPrice: "0",
    cachedPrice: "0",
    outputPrice: "0",
  })
  const bots = []
  for (const number of [1, 2]) {
    const bot = await makeBot(tenant.scope, { name: `${canary} ${number}` })
    const source = await addFileSource(tenant.scope, bot.id, {
      fileName: "facts.txt",
      mediaType: "text/plain",
      bytes: Buffer.from(`The secret word of shop ${number} is ${canary}.`),
    })
    if ((await ingestSource(source.id)) !== "ready") throw fail("internal")
    await withTenant(tenant.scope, async (tx) => {
      const chunk = (await tx.chunk.findFirst({ where: { sourceId: source.id } }))!
      const place = { tenantId: tenant.tenantId, botId: bot.id }
      const rows = [{ chunkId: chunk.id, vector: Float32Array.of(0.6, -0.8) }]
      await storeVectors(tx, place, { model: "test", rows })
    })
    await addCrawl(tenant.scope, bot.id, { url: `https://${canary}.example.com/` }, async () => {})
    const key = await makeEmbedKey(tenant.scope, bot.id)
    await countRefusal(key.id, "origin_refused", "https://evil.example.net")
    const tool = await makeWriteTool(tenant.scope, bot.id, key.id)
    const server = { name: canary, url: "https://93.184.216.34/mcp" }
    await addServer(tenant.scope, bot.id, server, async () => [])
    const visitors = [await makeVisitor(key.key), await makeVisitor(key.key)]
    const answers = []
    for (const visitor of visitors) answers.push(await converse(visitor, canary, tool))
    await createGolden(tenant.scope, bot.id, { question: `What is ${canary}?` })
    await runGolden(tenant.scope, bot.id, "quotes")
    const held = await addTextSource(tenant.scope, bot.id, { title: canary, text: canary })
    if ((await ingestSource(held.id)) !== "checking") throw fail("internal")
    await dismissGap(tenant.scope, bot.id, answers)
    await blockNetwork(tenant.scope, key.id, "192.0.2.0/24")
    bots.push({ botId: bot.id, keyId: key.id, visitors })
  }
  return { tenant, bots, canary }
}

/** Returns the id of the answer. */
async function converse(
  { scope }: MadeVisitor,
  canary: string,
  tool: OfferedTool,
): Promise<string> {
  const turn = await beginTurn(scope, { message: canary }, effectiveLimits("live", {}))
  const limits = effectiveLimits("live", {})
  const usage = {
    model: "test",
    inputTokens: 1,
    outputTokens: 1,
    isEstimated: false,
    costNanos: 1n,
  }
  // One is settled with the answer; the other stays open, so that every table of money holds a row.
  const reservation = (await reserveSpend(scope, limits, 10n))!
  await reserveSpend(scope, limits, 10n)
  await finishTurn(scope, turn, {
    text: canary,
    status: "complete",
    mode: "model",
    isAnswered: true,
    citations: [],
    spend: { usage, reservation },
  })
  const { conversationId } = turn
  await askForConfirmation(scope, { tool, conversationId, arguments: { order: canary } })
  await createLead(scope, { name: canary, email: "visitor@example.com", message: canary })
  return turn.answerId
}
