import { afterAll, expect, test, vi } from "vitest"
import { getTranscript } from "#lib/conversations/queries.ts"
import { beginTurn } from "#lib/conversations/turn.ts"
import { newId } from "#lib/ids.ts"
import { searchKnowledge } from "#lib/knowledge/search.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import {
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeTextSource,
  makeVisitor,
} from "#prisma/factories.ts"
import { composeAnswer } from "./answer.ts"
import { type buildPrompt, largestPrompt } from "./prompt.ts"

afterAll(disconnect)

const bytesOf = (prompt: ReturnType<typeof buildPrompt>) =>
  Buffer.byteLength(JSON.stringify(prompt), "utf8")

test("L19 after 300 turns, with 100 sources that fit, a prompt is as bounded as any: so is its cost", {
  timeout: 120_000,
}, async () => {
  vi.stubEnv("LOG_LEVEL", "silent")
  const tenant = await makeTenant()
  const bot = await makeBot(tenant.scope, { instructions: "Be brief. ".repeat(300) })
  const padding = "Returns are possible within thirty days of delivery. ".repeat(40)
  for (let i = 0; i < 100; i++)
    await makeTextSource(tenant.scope, bot.id, { title: `Returns ${i}`, text: `${i}. ${padding}` })
  const key = await makeEmbedKey(tenant.scope, bot.id)
  const { scope } = await makeVisitor(key.key)
  const limits = effectiveLimits("live", {})
  const first = await beginTurn(scope, { message: "Hello?" }, limits)
  await withTenant(scope, async (tx) => {
    await tx.message.createMany({
      data: Array.from({ length: 600 }, (_, i) => ({
        id: newId("message"),
        tenantId: scope.tenantId,
        conversationId: first.conversationId,
        visitorId: scope.visitor.visitorId,
        ordinal: i + 3,
        role: i % 2 === 0 ? "user" : "assistant",
        text: `${i} ${"returns and refunds ".repeat(190)}`,
        status: "complete",
      })),
    })
    await tx.conversation.updateMany({ data: { messageCount: 602 } })
    await tx.session.updateMany({ data: { streamingUntil: null } })
  })
  expect((await getTranscript(scope)).messages.length).toBeGreaterThan(100)

  const question = "Are returns possible within thirty days of delivery? "
    .repeat(70)
    .slice(0, 4_000)
  const turn = await beginTurn(scope, { message: question }, limits)
  let prompt: ReturnType<typeof buildPrompt> | null = null
  const events = composeAnswer(turn, new AbortController().signal, {
    botId: bot.id,
    search: (query) => searchKnowledge(scope, bot.id, query, 100),
    model: null,
    onRead: (found, read) => {
      expect(found.passages.length).toBeGreaterThan(20)
      prompt = read
    },
  })
  for await (const event of events) expect(event).toHaveProperty("type")
  expect(prompt).not.toBeNull()
  expect(prompt!.messages.length).toBeLessThanOrEqual(9)
  // Costs are reserved by bytes: what the largest prompt there can be costs is the most any message can.
  expect(bytesOf(prompt!)).toBeLessThanOrEqual(bytesOf(largestPrompt()))
  expect(bytesOf(prompt!)).toBeLessThan(64_000)
})
