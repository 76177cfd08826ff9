import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { redeemTicket } from "#lib/admission/sessions.ts"
import { createPreviewTicket } from "#lib/admission/tickets.ts"
import { getBot } from "#lib/bots/queries.ts"
import { answerQuestion } from "#lib/chat/answer.ts"
import { giveFeedback } from "#lib/conversations/commands.ts"
import { beginTurn, type FinishedAnswer, finishTurn } from "#lib/conversations/turn.ts"
import { deleteSource } from "#lib/knowledge/commands.ts"
import { getSource } from "#lib/knowledge/queries.ts"
import { defaultKeyLimits } from "#lib/limits/schema.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import {
  type MadeTenant,
  type MadeVisitor,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeTextSource,
  makeVisitor,
  scopeAs,
} from "#prisma/factories.ts"
import {
  createGolden,
  deleteGolden,
  draftGolden,
  importGolden,
  runGolden,
  tryQuestion,
  updateGolden,
} from "./commands.ts"
import { answerGap, dismissGap } from "./gaps.ts"
import { changeBot, removeSource } from "./gate.ts"
import { getQuality, listClosedGaps, listGaps } from "./queries.ts"

// The deployment's model obeys its instructions: told to be silent, it cites nothing.
const model = vi.hoisted(() => ({ isThere: false, calls: 0, costNanos: 1_000n }))
vi.mock("#lib/models/chat-model.ts", () => ({
  findChatModel: () => (model.isThere ? { name: "scripted" } : null),
  worstCaseCost: () => 5_000n,
  async *streamModel(_: unknown, prompt: { instructions: string }) {
    model.calls += 1
    const passage = /\[1\] [^\n]*\n([^\n]+)/.exec(prompt.instructions)?.[1] ?? ""
    const isSilent = prompt.instructions.includes("Never answer.")
    yield { type: "text", text: isSilent ? "Please call us." : `${passage} [1]` }
    const { costNanos } = model
    const usage = {
      model: "scripted",
      inputTokens: 1,
      outputTokens: 1,
      isEstimated: false,
      costNanos,
    }
    yield { type: "end", usage, isAborted: false, error: null }
  },
}))

let tenant: MadeTenant
let stranger: MadeTenant

beforeAll(async () => {
  tenant = await makeTenant()
  stranger = await makeTenant()
})
afterAll(disconnect)
beforeEach(() => {
  model.isThere = false
  model.calls = 0
})

const returnsText = "You may return shoes within ninety days if the box is whole."
const hoursText = "The shop is open from Monday to Saturday between nine and six."

/** A published bot with two sources, and golden questions for both and for what neither holds. */
async function makeShop() {
  const { scope } = tenant
  const bot = await makeBot(scope)
  const returns = await makeTextSource(scope, bot.id, { title: "Returns", text: returnsText })
  const hours = await makeTextSource(scope, bot.id, { title: "Opening hours", text: hoursText })
  const add = (question: string, more = {}) => createGolden(scope, bot.id, { question, ...more })
  const golden = [
    await add("Within how many days may I return shoes?", {
      sourceId: returns.id,
      phrase: "ninety days",
    }),
    await add("When is the shop open on Saturday?", { sourceId: hours.id }),
    await add("Who won the chess championship in Reykjavik?", { expects: "refusal" }),
  ]
  return { scope, botId: bot.id, returns, hours, golden }
}

describe("golden questions", () => {
  test("are found, cited, answered and refused as they should be, and the run is kept", async () => {
    const { scope, botId, golden } = await makeShop()
    const run = await runGolden(scope, botId, "quotes")
    expect(run).toMatchObject({
      mode: "quotes",
      outcome: "kept",
      questionCount: 3,
      passedCount: 3,
      answerableCount: 2,
      foundCount: 2,
      citedCount: 2,
      answeredCount: 2,
      refusedCount: 1,
    })
    const { last, runs, isStale, questions } = await getQuality(scope, botId)
    expect(last).toEqual(run)
    expect(runs).toHaveLength(1)
    expect(isStale).toBe(false)
    expect(questions).toEqual(golden)
    expect(questions[0]).toMatchObject({ sourceTitle: "Returns", provenance: "written" })
  })

  test("fail when the expected source is gone, and the quality page says that knowledge changed", async () => {
    const { scope, botId, returns, golden } = await makeShop()
    await runGolden(scope, botId, "quotes")
    await deleteSource(scope, returns.id)
    const { questions, isStale } = await getQuality(scope, botId)
    expect(questions[0]).toMatchObject({ sourceId: returns.id, sourceTitle: null })
    expect(isStale).toBe(true)
    const { results } = await runGolden(scope, botId, "quotes")
    expect(results.map(({ questionId, isPassed }) => [questionId, isPassed])).toEqual([
      [golden[0]!.id, false],
      [golden[1]!.id, true],
      [golden[2]!.id, true],
    ])
  })

  test("are asked of the model when that is asked for, and its cost is booked to the tenant", async () => {
    const { scope, botId } = await makeShop()
    model.isThere = true
    expect((await runGolden(scope, botId, "quotes")).mode).toBe("quotes")
    expect(model.calls).toBe(0)
    const spent = () =>
      withTenant(scope, async (tx) => {
        const [counter, entries, open] = [
          await tx.spendCounter.findFirst({ where: { subject: `bot:${botId}` } }),
          await tx.usageEntry.findMany({ where: { botId } }),
          await tx.spendReservation.count({}),
        ]
        return { nanos: counter?.spentNanos, entries: entries.length, open }
      })
    expect(await runGolden(scope, botId, "model")).toMatchObject({ mode: "model", passedCount: 3 })
    // The third question finds nothing, so no model is asked.
    expect(model.calls).toBe(2)
    expect(await spent()).toEqual({ nanos: 2n * model.costNanos, entries: 2, open: 0 })
  })

  test("change what is named, lose their old results, and keep the figures of past runs", async () => {
    const { scope, botId, golden } = await makeShop()
    await runGolden(scope, botId, "quotes")
    const changed = await updateGolden(scope, golden[0]!.id, { phrase: " eighty days " })
    expect(changed).toMatchObject({ phrase: "eighty days", question: golden[0]!.question })
    expect((await getQuality(scope, botId)).last?.results).toHaveLength(2)
    expect((await runGolden(scope, botId, "quotes")).passedCount).toBe(2)
    const refusal = await updateGolden(scope, golden[0]!.id, { expects: "refusal" })
    expect(refusal).toMatchObject({ sourceId: null, phrase: null })
    await deleteGolden(scope, golden[0]!.id)
    const { questions, runs } = await getQuality(scope, botId)
    expect(questions).toHaveLength(2)
    expect(runs.map(({ questionCount }) => questionCount)).toEqual([3, 3])
  })

  test("stand once in a bot, however they come", async () => {
    const { scope, botId, golden } = await makeShop()
    const { question } = golden[0]!
    await expect(createGolden(scope, botId, { question })).rejects.toMatchObject({
      code: "conflict",
    })
    await expect(updateGolden(scope, golden[1]!.id, { question })).rejects.toMatchObject({
      code: "conflict",
    })
    const csv = `question,source,phrase,expects\n${question},,,\nNew?,Returns,box,\nOdd?,Nowhere,,\nNo?,,,refuse`
    const outcome = await importGolden(scope, botId, csv)
    expect(outcome).toEqual({
      added: 2,
      skipped: [
        { line: 2, reason: "It is there already." },
        { line: 4, reason: "There is no source “Nowhere”." },
      ],
    })
    const { questions } = await getQuality(scope, botId)
    expect(questions.slice(3)).toEqual([
      expect.objectContaining({
        question: "New?",
        sourceTitle: "Returns",
        phrase: "box",
        provenance: "imported",
      }),
      expect.objectContaining({ question: "No?", expects: "refusal", provenance: "imported" }),
    ])
  })

  test("drafted from the documents expect them, pass, and are drafted once", async () => {
    const { scope } = tenant
    const bot = await makeBot(scope)
    await makeTextSource(scope, bot.id, {
      title: "House rules",
      text: `# Returning shoes\n\n${returnsText.repeat(12)}\n\n# Opening hours\n\n${hoursText.repeat(12)}`,
    })
    expect((await draftGolden(scope, bot.id)).added).toBe(2)
    expect((await draftGolden(scope, bot.id)).added).toBe(0)
    const { questions } = await getQuality(scope, bot.id)
    expect(questions.map(({ question, provenance }) => [question, provenance])).toEqual([
      ["What should I know about returning shoes?", "drafted"],
      ["What should I know about opening hours?", "drafted"],
    ])
    expect(await runGolden(scope, bot.id, "quotes")).toMatchObject({ passedCount: 2 })
  })
})

describe("the gate", () => {
  test("stops publishing when knowledge got worse, names the questions, and lets the owner decide", async () => {
    const { scope, botId, returns, golden } = await makeShop()
    await runGolden(scope, botId, "quotes")
    await changeBot(scope, botId, { published: false })
    await deleteSource(scope, returns.id)

    const stopped = await changeBot(scope, botId, { published: true })
    expect(stopped).toEqual({
      needsConfirmation: true,
      runId: expect.stringMatching(/^run_/),
      passedBefore: 3,
      passedNow: 2,
      questionCount: 3,
      worse: [{ questionId: golden[0]!.id, question: golden[0]!.question, expects: "answer" }],
    })
    expect((await getBot(scope, botId)).published).toBe(false)
    expect((await getQuality(scope, botId)).runs[0]).toMatchObject({
      outcome: "stopped",
      reason: "publish",
    })

    const { runId } = stopped as { runId: string }
    expect(await changeBot(scope, botId, { published: true, confirmedRunId: runId })).toMatchObject(
      {
        needsConfirmation: false,
        done: { published: true },
      },
    )
    // What the owner accepted is what the next change is compared with.
    await changeBot(scope, botId, { published: false })
    expect(await changeBot(scope, botId, { published: true })).toMatchObject({
      needsConfirmation: false,
    })
  })

  test("is not passed by naming another run than the one just seen", async () => {
    const { scope, botId, returns } = await makeShop()
    const kept = await runGolden(scope, botId, "quotes")
    await changeBot(scope, botId, { published: false })
    await deleteSource(scope, returns.id)
    for (const confirmedRunId of [kept.id, "run_000000000000000000000000", ""])
      expect(await changeBot(scope, botId, { published: true, confirmedRunId })).toMatchObject({
        needsConfirmation: true,
      })
    expect((await getBot(scope, botId)).published).toBe(false)
  })

  test("stops instructions that silence a published bot, before they are live", async () => {
    const { scope, botId } = await makeShop()
    model.isThere = true
    const stopped = await changeBot(scope, botId, { instructions: "Never answer." })
    expect(stopped).toMatchObject({ needsConfirmation: true, passedBefore: 3, passedNow: 1 })
    expect((await getBot(scope, botId)).instructions).toBe("")
    expect(await changeBot(scope, botId, { instructions: "Be kind." })).toMatchObject({
      needsConfirmation: false,
      done: { instructions: "Be kind." },
    })
  })

  test("stops the deletion of a source that answers depend on, and nothing is gone until it is confirmed", async () => {
    const { scope, botId, returns, hours, golden } = await makeShop()
    const stopped = await removeSource(scope, returns.id)
    expect(stopped).toMatchObject({ needsConfirmation: true, passedBefore: 3, passedNow: 2 })
    expect(stopped).toMatchObject({ worse: [{ questionId: golden[0]!.id }] })
    expect(await getSource(scope, returns.id)).toMatchObject({ status: "ready" })
    const asked = { question: golden[0]!.question }
    expect((await tryQuestion(scope, botId, asked)).answer).toContain("ninety days")
    expect((await getQuality(scope, botId)).runs.map(({ outcome }) => outcome)).toEqual([
      "stopped",
      "kept",
    ])
    const { runId } = stopped as { runId: string }
    expect(await removeSource(scope, returns.id, runId)).toEqual({
      needsConfirmation: false,
      done: null,
    })
    await expect(getSource(scope, returns.id)).rejects.toMatchObject({ code: "not_found" })
    expect((await tryQuestion(scope, botId, asked)).answer).not.toContain("ninety days")
    // One that no golden question needs goes at once, and so does any source of an unpublished bot.
    const spare = await makeTextSource(scope, botId, { title: "Spare", text: "We like tea." })
    expect(await removeSource(scope, spare.id)).toMatchObject({ needsConfirmation: false })
    await changeBot(scope, botId, { published: false })
    expect(await removeSource(scope, hours.id)).toMatchObject({ needsConfirmation: false })
  })

  test("compares with the newest run as that was made: one by quoting is free", async () => {
    const { scope, botId, returns } = await makeShop()
    model.isThere = true
    await runGolden(scope, botId, "quotes")
    await changeBot(scope, botId, { published: false })
    await deleteSource(scope, returns.id)
    expect(await changeBot(scope, botId, { published: true })).toMatchObject({
      needsConfirmation: true,
    })
    expect(model.calls).toBe(0)
  })

  test("lets through what changes no answer, and a bot without golden questions", async () => {
    const { scope, botId } = await makeShop()
    model.isThere = true
    expect(await changeBot(scope, botId, { color: "#123456" })).toMatchObject({
      needsConfirmation: false,
    })
    expect(model.calls).toBe(0)
    const bare = await makeBot(scope)
    expect(await changeBot(scope, bare.id, { instructions: "Never answer." })).toMatchObject({
      needsConfirmation: false,
    })
    expect((await getQuality(scope, botId)).runs).toEqual([])
  })
})

/** A visitor asks, and the answer is stored, as in the widget. */
async function ask(visitor: Pick<MadeVisitor, "scope">, message: string): Promise<string> {
  const { scope } = visitor
  const turn = await beginTurn(scope, { message }, defaultKeyLimits)
  const answer: FinishedAnswer = {
    text: "",
    status: "complete",
    mode: "none",
    isAnswered: true,
    citations: [],
    spend: null,
  }
  const { signal } = new AbortController()
  for await (const event of answerQuestion(scope, turn, { limits: defaultKeyLimits, signal })) {
    if (event.type === "text") answer.text += event.text
    else if (event.type === "citation") answer.citations.push(event.citation)
    else if (event.type === "end") {
      answer.isAnswered = event.isAnswered
      answer.mode = event.mode
    }
  }
  await finishTurn(scope, turn, answer)
  return turn.answerId
}

describe("the gap inbox", () => {
  test("holds visitors' questions alone: what a member asks in a preview is no gap", async () => {
    const { scope, botId } = await makeShop()
    const { ticket } = await createPreviewTicket(scope, botId)
    const address = { ip: "198.51.100.9", userAgent: null, origin: null }
    const member = await redeemTicket({ ticket }, address)
    await ask(member, "Do you sell helicopters to members?")
    const visitor = await makeVisitor((await makeEmbedKey(scope, botId)).key)
    await ask(visitor, "Do you sell submarines to visitors?")
    expect((await listGaps(scope, botId)).map(({ question }) => question)).toEqual([
      "Do you sell submarines to visitors?",
    ])
  })

  test("groups what was not answered or disliked, and an answer written once closes the gap", async () => {
    const { scope, botId } = await makeShop()
    const { key } = await makeEmbedKey(scope, botId)
    const [one, two, three] = [
      await makeVisitor(key),
      await makeVisitor(key),
      await makeVisitor(key),
    ]
    const first = await ask(one, "Do you sell gift vouchers?")
    const second = await ask(two, "Where can I buy gift vouchers that you sell?")
    await ask(three, "Is there parking for bicycles?")
    const disliked = await ask(three, "Within how many days may I return shoes?")
    await giveFeedback(three.scope, { messageId: disliked, value: "down" })
    await ask(one, "When is the shop open on Saturday?")

    const gaps = await listGaps(scope, botId)
    expect(
      gaps.map(({ question, count, unansweredCount, thumbsDownCount }) => ({
        question,
        count,
        unansweredCount,
        thumbsDownCount,
      })),
    ).toEqual([
      {
        question: "Where can I buy gift vouchers that you sell?",
        count: 2,
        unansweredCount: 2,
        thumbsDownCount: 0,
      },
      {
        question: "Within how many days may I return shoes?",
        count: 1,
        unansweredCount: 0,
        thumbsDownCount: 1,
      },
      {
        question: "Is there parking for bicycles?",
        count: 1,
        unansweredCount: 1,
        thumbsDownCount: 0,
      },
    ])
    const [vouchers] = gaps
    expect(vouchers!.questions.map(({ messageId }) => messageId)).toEqual([second, first])
    expect(vouchers!.questions[0]!.conversationId).toMatch(/^cnv_/)

    const question = "Do you sell gift vouchers?"
    const closed = await answerGap(scope, botId, {
      messageIds: vouchers!.questions.map(({ messageId }) => messageId),
      question,
      answer: "Yes: gift vouchers from 20 to 200 crowns at the till and by mail.",
    })
    expect(closed).toMatchObject({ question, outcome: "answered", isFixed: true, questionCount: 2 })
    expect(await getSource(scope, closed.sourceId!)).toMatchObject({
      kind: "qa",
      status: "ready",
      title: question,
    })
    expect((await listGaps(scope, botId)).map((gap) => gap.question)).not.toContain(
      vouchers!.question,
    )
    expect(await listClosedGaps(scope, botId)).toEqual([closed])
    const golden = (await getQuality(scope, botId)).questions.at(-1)
    expect(golden).toMatchObject({ question, sourceId: closed.sourceId, provenance: "gap" })

    const trial = await tryQuestion(scope, botId, { question: "Can I buy gift vouchers?" })
    expect(trial.answer).toContain("20 to 200 crowns")
  })

  test("says when an answer does not do, and takes a question asked again as a new gap", async () => {
    const { scope, botId } = await makeShop()
    const { key } = await makeEmbedKey(scope, botId)
    const visitor = await makeVisitor(key)
    const message = "Do you repair torn umbrellas on the spot?"
    await ask(visitor, message)
    const [gap] = await listGaps(scope, botId)
    const messageIds = gap!.questions.map(({ messageId }) => messageId)
    await dismissGap(scope, botId, messageIds)
    expect(await listGaps(scope, botId)).toEqual([])
    await expect(dismissGap(scope, botId, messageIds)).rejects.toMatchObject({ code: "not_found" })
    await ask(await makeVisitor(key), message)
    expect(await listGaps(scope, botId)).toHaveLength(1)
    expect(await listClosedGaps(scope, botId)).toEqual([
      expect.objectContaining({ outcome: "dismissed", sourceId: null, isFixed: null }),
    ])
  })

  test("of one bot neither shows nor closes the gaps of another", async () => {
    const { scope, botId } = await makeShop()
    const other = await makeShop()
    const { key } = await makeEmbedKey(scope, other.botId)
    const messageId = await ask(await makeVisitor(key), "Do you sell sailing boats?")
    expect(await listGaps(scope, botId)).toEqual([])
    await expect(dismissGap(scope, botId, [messageId])).rejects.toMatchObject({ code: "not_found" })
  })
})

describe("the playground", () => {
  test("shows the answer, the passages with their scores, and which of them it cites", async () => {
    const { scope, botId } = await makeShop()
    const trial = await tryQuestion(scope, botId, { question: "How many days to return shoes?" })
    expect(trial).toMatchObject({
      mode: "quotes",
      isAnswered: true,
      cited: [1],
      isRelevant: true,
      prompt: null,
    })
    expect(trial.answer).toBe(`${returnsText} [1]`)
    expect(trial.passages[0]).toMatchObject({ title: "Returns", score: expect.any(Number) })
  })

  test("reads a draft of the instructions without saving it, and shows the prompt", async () => {
    const { scope, botId } = await makeShop()
    model.isThere = true
    const question = "How many days to return shoes?"
    const trial = await tryQuestion(scope, botId, {
      question,
      instructions: "Never answer.",
      useModel: true,
    })
    expect(trial).toMatchObject({
      answer: "Please call us.",
      mode: "model",
      isAnswered: false,
      cited: [],
    })
    expect(trial.prompt).toContain("Never answer.")
    expect(trial.prompt).toContain(question)
    expect((await getBot(scope, botId)).instructions).toBe("")
  })
})

describe("who may", () => {
  test("a viewer reads and quotes; writing, running and the model are refused", async () => {
    const { botId, golden, returns } = await makeShop()
    const viewer = scopeAs(tenant, "viewer")
    expect((await getQuality(viewer, botId)).questions).toHaveLength(3)
    expect(await listGaps(viewer, botId)).toEqual([])
    expect(await tryQuestion(viewer, botId, { question: "Shoes?" })).toMatchObject({ cited: [1] })
    const refused = [
      () => createGolden(viewer, botId, { question: "Mine?" }),
      () => updateGolden(viewer, golden[0]!.id, { question: "Mine?" }),
      () => deleteGolden(viewer, golden[0]!.id),
      () => importGolden(viewer, botId, "Mine?"),
      () => draftGolden(viewer, botId),
      () => runGolden(viewer, botId, "quotes"),
      () => tryQuestion(viewer, botId, { question: "Shoes?", useModel: true }),
      () => changeBot(viewer, botId, { published: true }),
      () => removeSource(viewer, returns.id),
      () => answerGap(viewer, botId, { messageIds: ["msg_1"], question: "Q?", answer: "A" }),
      () => dismissGap(viewer, botId, ["msg_1"]),
    ]
    for (const attempt of refused)
      await expect(attempt()).rejects.toMatchObject({ code: "forbidden" })
  })

  test("nobody reaches another tenant's questions, runs and gaps: they are not there", async () => {
    const { botId, golden, returns } = await makeShop()
    const { key } = await makeEmbedKey(tenant.scope, botId)
    const messageId = await ask(await makeVisitor(key), "Do you sell sailing boats?")
    const { scope } = stranger
    const hidden = [
      () => getQuality(scope, botId),
      () => listGaps(scope, botId),
      () => listClosedGaps(scope, botId),
      () => createGolden(scope, botId, { question: "Mine?" }),
      () => createGolden(scope, stranger.botId, { question: "Mine?", sourceId: returns.id }),
      () => updateGolden(scope, golden[0]!.id, { question: "Mine?" }),
      () => deleteGolden(scope, golden[0]!.id),
      () => importGolden(scope, botId, "Mine?"),
      () => draftGolden(scope, botId),
      () => runGolden(scope, botId, "quotes"),
      () => tryQuestion(scope, botId, { question: "Shoes?" }),
      () => changeBot(scope, botId, { published: true }),
      () => removeSource(scope, returns.id),
      () =>
        answerGap(scope, stranger.botId, { messageIds: [messageId], question: "Q?", answer: "A" }),
      () => dismissGap(scope, stranger.botId, [messageId]),
    ]
    for (const attempt of hidden)
      await expect(attempt()).rejects.toMatchObject({ code: "not_found" })
    expect(await listGaps(tenant.scope, botId)).toHaveLength(1)
  })
})
