import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { getUsage } from "#lib/billing/queries.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import { utcDay } from "#lib/limits/counters.ts"
import { effectiveLimits, type KeyLimits } from "#lib/limits/schema.ts"
import { reserveSpend } from "#lib/limits/spend.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
} from "#prisma/factories.ts"
import { forgetVisitor, giveFeedback } from "./commands.ts"
import { getConversation, getTranscript, listConversations } from "./queries.ts"
import { beginTurn, type FinishedAnswer, finishTurn, type Turn } from "./turn.ts"

let tenant: MadeTenant
let botId: string
let key: EmbedKeyView

beforeAll(async () => {
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
  key = await makeEmbedKey(tenant.scope, botId, { limits: { ticketsPerMinute: 10_000 } })
})
afterAll(disconnect)

const limits = effectiveLimits("live", {})
const newVisitor = async (on = key): Promise<VisitorScope> => (await makeVisitor(on.key)).scope
const ask = (
  scope: VisitorScope,
  message: string,
  clientMessageId?: string,
  own: KeyLimits = limits,
) => beginTurn(scope, { message, ...(clientMessageId ? { clientMessageId } : {}) }, own)

const complete: FinishedAnswer = {
  text: "Ninety days.",
  status: "complete",
  mode: "model",
  isAnswered: true,
  citations: [],
  spend: null,
}
const usage = {
  model: "test",
  inputTokens: 100,
  outputTokens: 5,
  isEstimated: false,
  costNanos: 400n,
}
const finish = (scope: VisitorScope, turn: Turn, changes: Partial<FinishedAnswer> = {}) =>
  finishTurn(scope, turn, { ...complete, ...changes })

const readUsed = async (on = key) => {
  const row = await withTenant(tenant.scope, (tx) =>
    tx.counter.findFirst({ where: { name: `messages:${on.id}`, period: utcDay() } }),
  )
  return row?.used ?? 0
}

test("an answer in letters that Postgres cannot hold is kept without them, and frees the session", async () => {
  const scope = await newVisitor()
  await finish(scope, await ask(scope, "Really?"), { text: "Nine\u0000ty \ud800days 🙂" })
  const { messages } = await getTranscript(scope)
  expect(messages.at(-1)).toMatchObject({ text: "Nine\ufffdty \ufffddays 🙂", status: "complete" })
  await ask(scope, "And then?")
})

describe("a message", () => {
  test("is on disk, with an empty answer beside it, before a word is generated", async () => {
    const scope = await newVisitor()
    const turn = await ask(scope, "How long can I return shoes?")
    expect(turn).toMatchObject({
      question: "How long can I return shoes?",
      history: [],
      finished: null,
    })
    const { id, messages } = await getTranscript(scope)
    expect(id).toBe(turn.conversationId)
    expect(messages).toMatchObject([
      { id: turn.userMessageId, role: "user", status: "complete" },
      { id: turn.answerId, role: "assistant", text: "", status: "streaming" },
    ])
  })

  test("finished, is in the owner's list with its answer, its usage and whether it was answered", async () => {
    const scope = await newVisitor()
    const turn = await ask(scope, "Do you ship to Austria?")
    const reservation = (await reserveSpend(scope, limits, 1_000n))!
    await finish(scope, turn, { isAnswered: false, spend: { usage, reservation } })
    const { data } = await listConversations(tenant.scope, { botId, filter: "unanswered" })
    expect(data.find((row) => row.id === turn.conversationId)).toMatchObject({
      preview: "Do you ship to Austria?",
      messageCount: 2,
      isUnanswered: true,
    })
    const thread = await getConversation(tenant.scope, turn.conversationId)
    expect(thread.messages.map((message) => message.text)).toEqual([
      "Do you ship to Austria?",
      "Ninety days.",
    ])
    const { days } = await getUsage(tenant.scope)
    expect(days.find((day) => day.botId === botId)!.outputTokens).toBeGreaterThanOrEqual(5)
  })

  test("carries the talk before it, oldest first, without itself", async () => {
    const scope = await newVisitor()
    await finish(scope, await ask(scope, "One?"), { text: "First." })
    await finish(scope, await ask(scope, "Two?"), { text: "", status: "failed" })
    const third = await ask(scope, "Three?")
    expect(third.history).toEqual([
      { role: "user", text: "One?" },
      { role: "assistant", text: "First." },
      { role: "user", text: "Two?" },
    ])
  })

  test("longer than the key allows is refused before anything is stored or counted", async () => {
    const scope = await newVisitor()
    const before = await readUsed()
    const long = ask(scope, "x".repeat(11), undefined, { ...limits, messageChars: 10 })
    await expect(long).rejects.toMatchObject({ code: "invalid", status: 422 })
    expect(await readUsed()).toBe(before)
    expect((await getTranscript(scope)).id).toBeNull()
  })
})

describe("the same clientMessageId twice", () => {
  test("is one message, one count and, once answered, the same answer", async () => {
    const scope = await newVisitor()
    const before = await readUsed()
    const first = await ask(scope, "Once?", "m-1")
    await finish(scope, first)
    const second = await ask(scope, "Once?", "m-1")
    expect(second.finished).toMatchObject({ id: first.answerId, text: "Ninety days." })
    expect(second.userMessageId).toBe(first.userMessageId)
    expect((await getTranscript(scope)).messages).toHaveLength(2)
    expect(await readUsed()).toBe(before + 1)
    // A retry of an answered message holds nothing: the next message goes on at once.
    await finish(scope, await ask(scope, "Next?", "m-2"))
  })

  test("while the first is being answered says so", async () => {
    const scope = await newVisitor()
    const first = await ask(scope, "Once?", "m-1")
    await expect(ask(scope, "Once?", "m-1")).rejects.toMatchObject({
      code: "in_progress",
      status: 409,
      headers: { "retry-after": "2" },
    })
    await finish(scope, first)
  })

  test("after an answer that was cut is answered anew, in its place and free", async () => {
    const scope = await newVisitor()
    const before = await readUsed()
    const first = await ask(scope, "Once?", "m-1")
    await finish(scope, first, { text: "Ninety", status: "interrupted" })
    const second = await ask(scope, "Once?", "m-1")
    expect(second).toMatchObject({ answerId: first.answerId, finished: null })
    await finish(scope, second)
    expect((await getTranscript(scope)).messages).toHaveLength(2)
    expect(await readUsed()).toBe(before + 1)
  })

  test("20 times at once stores it once and counts it once", async () => {
    const scope = await newVisitor()
    const before = await readUsed()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => ask(scope, "Once?", "m-1")),
    )
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === "rejected")
        expect(outcome.reason).toMatchObject({ code: "in_progress" })
    expect((await getTranscript(scope)).messages).toHaveLength(2)
    expect(await readUsed()).toBe(before + 1)
  })

  test("from two visitors is two messages", async () => {
    const [a, b] = [await newVisitor(), await newVisitor()]
    const [first, second] = [await ask(a, "Mine?", "m-1"), await ask(b, "Mine too?", "m-1")]
    expect(second.userMessageId).not.toBe(first.userMessageId)
    expect(second.conversationId).not.toBe(first.conversationId)
  })
})

describe("one answer a session", () => {
  test("another message meanwhile waits, and goes on once the first is finished", async () => {
    const scope = await newVisitor()
    const first = await ask(scope, "First?", "m-1")
    const refused = { code: "stream_limit", status: 429 }
    await expect(ask(scope, "Second?", "m-2")).rejects.toMatchObject(refused)
    await finish(scope, first)
    await ask(scope, "Second?", "m-2")
  })

  test("of 10 different messages at once one is taken, and the others cost nothing", async () => {
    const scope = await newVisitor()
    const before = await readUsed()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => ask(scope, `Question ${i}?`, `m-${i}`)),
    )
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === "rejected")
        expect(outcome.reason).toMatchObject({ code: "stream_limit" })
    expect(await readUsed()).toBe(before + 1)
    expect((await getTranscript(scope)).messages).toHaveLength(2)
  })

  test("a lease whose process died runs out by itself", async () => {
    const scope = await newVisitor()
    await ask(scope, "First?", "m-1")
    await withTenant(tenant.scope, (tx) =>
      tx.session.update({
        where: { id: scope.visitor.sessionId },
        data: { streamingUntil: new Date(Date.now() - 1) },
      }),
    )
    const again = await ask(scope, "First?", "m-1")
    expect(again.finished).toBeNull()
  })

  test("finishing frees the session also when the visitor asked to be forgotten meanwhile", async () => {
    const scope = await newVisitor()
    const turn = await ask(scope, "Secret?")
    await forgetVisitor(scope)
    await finish(scope, turn)
    expect(await getTranscript(scope)).toEqual({ id: null, messages: [] })
    await ask(scope, "Next?")
  })
})

describe("a day's limit of 7", () => {
  const seven = { ...limits, messagesPerDay: 7 }

  test("lets exactly 7 of 50 visitors through that ask at once", async () => {
    const own = await makeEmbedKey(tenant.scope, botId, { limits: { ticketsPerMinute: 10_000 } })
    const visitors = []
    for (let i = 0; i < 50; i++) visitors.push(await newVisitor(own))
    const outcomes = await Promise.allSettled(
      visitors.map((scope) => ask(scope, "Hello?", undefined, seven)),
    )
    const refusals = outcomes.flatMap((o) => (o.status === "rejected" ? [o.reason.code] : []))
    expect(refusals).toEqual(Array(43).fill("day_limit"))
    expect(await readUsed(own)).toBe(7)
    // A refused message leaves nothing behind and holds no stream.
    const refused = visitors.filter((_, i) => outcomes[i]!.status === "rejected")
    expect((await getTranscript(refused[0]!)).id).toBeNull()
    await ask(refused[0]!, "Hello?", undefined, { ...seven, messagesPerDay: 8 })
  })

  test("says until when, and a retry of a counted message is not counted again", async () => {
    const own = await makeEmbedKey(tenant.scope, botId)
    const scope = await newVisitor(own)
    const one = { ...limits, messagesPerDay: 1 }
    const turn = await ask(scope, "Hello?", "m-1", one)
    await finish(scope, turn)
    const failure = await ask(scope, "More?", "m-2", one).catch((error) => error)
    expect(failure).toMatchObject({ code: "day_limit", status: 429 })
    expect(Number(failure.headers["retry-after"])).toBeGreaterThanOrEqual(1)
    expect((await ask(scope, "Hello?", "m-1", one)).finished).not.toBeNull()
  })
})

describe("a visitor's own words", () => {
  test("are read, rated and forgotten by nobody else", async () => {
    const [a, b] = [await newVisitor(), await newVisitor()]
    const turn = await ask(a, "Mine?")
    await finish(a, turn)
    expect(await getTranscript(b)).toEqual({ id: null, messages: [] })
    const foreign = giveFeedback(b, { messageId: turn.answerId, value: "down" })
    await expect(foreign).rejects.toMatchObject({ code: "not_found" })
    await forgetVisitor(b)
    expect((await getTranscript(a)).messages).toHaveLength(2)
  })

  test("rated down stand in the owner's list until the thumb is taken back", async () => {
    const scope = await newVisitor()
    const turn = await ask(scope, "Thumb?")
    await finish(scope, turn)
    const isListed = async () => {
      const { data } = await listConversations(tenant.scope, { filter: "thumbs_down" })
      return data.some((row) => row.id === turn.conversationId)
    }
    await giveFeedback(scope, { messageId: turn.answerId, value: "down" })
    expect(await isListed()).toBe(true)
    await giveFeedback(scope, { messageId: turn.answerId, value: null })
    expect(await isListed()).toBe(false)
    const question = giveFeedback(scope, { messageId: turn.userMessageId, value: "up" })
    await expect(question).rejects.toMatchObject({ code: "not_found" })
  })

  test("forgotten are gone from the owner's list; what they used stays on the bill", async () => {
    const scope = await newVisitor()
    const turn = await ask(scope, "Forget this")
    const reservation = (await reserveSpend(scope, limits, 1_000n))!
    await finish(scope, turn, { spend: { usage, reservation } })
    await forgetVisitor(scope)
    await expect(getConversation(tenant.scope, turn.conversationId)).rejects.toMatchObject({
      code: "not_found",
    })
    const booked = await withTenant(tenant.scope, (tx) =>
      tx.usageEntry.count({ where: { messageId: turn.answerId } }),
    )
    expect(booked).toBe(1)
  })
})

test("another tenant's owner finds neither the list nor the thread", async () => {
  const scope = await newVisitor()
  const turn = await ask(scope, "Ours?")
  const other = await makeTenant()
  await expect(getConversation(other.scope, turn.conversationId)).rejects.toMatchObject({
    code: "not_found",
  })
  expect((await listConversations(other.scope, { botId })).data).toEqual([])
})

test("a list pages through all conversations once, newest first", async () => {
  const own = await makeTenant()
  const bot = await makeBot(own.scope)
  const ownKey = await makeEmbedKey(own.scope, bot.id)
  const asked: string[] = []
  for (let i = 0; i < 5; i++) {
    const scope = await newVisitor(ownKey)
    asked.unshift((await ask(scope, `Question ${i}`)).conversationId)
  }
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await listConversations(own.scope, { limit: 2, cursor })
    seen.push(...page.data.map((row) => row.id))
    cursor = page.nextCursor ?? undefined
  } while (cursor)
  expect(seen).toEqual(asked)
  for (const wrong of ["x", "' or 1=1", Buffer.from("2026|x").toString("base64url")])
    await expect(listConversations(own.scope, { cursor: wrong })).rejects.toMatchObject({
      code: "invalid",
    })
})
