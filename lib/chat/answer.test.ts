import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { defaultKeyLimits, type KeyLimits } from "#lib/limits/schema.ts"
import { log } from "#lib/log.ts"
import type { ModelEvent, ModelPrompt } from "#lib/models/chat-model.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import {
  type MadeTenant,
  type MadeVisitor,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeTextSource,
  makeVisitor,
} from "#prisma/factories.ts"
import { type AnswerEvent, answerQuestion } from "./answer.ts"

type Script = (signal: AbortSignal) => AsyncGenerator<ModelEvent>
const model = vi.hoisted(() => ({
  script: null as Script | null,
  prompts: [] as ModelPrompt[],
}))

// The port itself is tested in lib/models; here a script plays the model.
vi.mock("#lib/models/chat-model.ts", () => ({
  findChatModel: () => (model.script ? { name: "scripted" } : null),
  worstCaseCost: () => 1_000n,
  streamModel: (_: unknown, prompt: ModelPrompt, signal: AbortSignal) => {
    model.prompts.push(prompt)
    return model.script!(signal)
  },
}))

const usage = {
  model: "scripted",
  inputTokens: 9,
  outputTokens: 3,
  isEstimated: false,
  costNanos: 7n,
}
const spend = { usage, reservation: expect.objectContaining({ nanos: 1_000n }) }

/** A model that says these pieces and ends. */
const says = (...pieces: string[]): Script =>
  async function* () {
    for (const text of pieces) yield { type: "text", text }
    yield { type: "end", usage, isAborted: false, error: null }
  }

/** A model that says these pieces and fails. */
const failsAfter = (...pieces: string[]): Script =>
  async function* () {
    for (const text of pieces) yield { type: "text", text }
    yield { type: "end", usage, isAborted: false, error: new Error("overloaded") }
  }

let tenant: MadeTenant
let botId: string
let visitor: MadeVisitor

beforeAll(async () => {
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
  const otherBot = await makeBot(tenant.scope)
  await makeTextSource(tenant.scope, botId, {
    title: "Returns",
    text: "You may return shoes within ninety days if the box is whole.",
  })
  await makeTextSource(tenant.scope, otherBot.id, {
    title: "Returns of the other bot",
    text: "CANARY-OTHER-BOT: shoes may be returned within ten days.",
  })
  const stranger = await makeTenant()
  const foreignBot = await makeBot(stranger.scope)
  await makeTextSource(stranger.scope, foreignBot.id, {
    title: "Returns of a stranger",
    text: "CANARY-STRANGER: shoes may be returned within five days.",
  })
  visitor = await makeVisitor((await makeEmbedKey(tenant.scope, botId)).key)
})
afterAll(disconnect)

beforeEach(() => {
  model.script = null
  model.prompts.length = 0
})

async function ask(
  question: string,
  options: {
    signal?: AbortSignal
    limits?: KeyLimits
    history?: { role: "user" | "assistant"; text: string }[]
  } = {},
) {
  const events: AnswerEvent[] = []
  const input = {
    question,
    history: options.history ?? [],
    bot: { name: "Rita", instructions: "", locale: null },
  }
  const signal = options.signal ?? new AbortController().signal
  const limits = options.limits ?? defaultKeyLimits
  for await (const event of answerQuestion(visitor.scope, input, { limits, signal }))
    events.push(event)
  const ends = events.filter((event) => event.type === "end")
  expect(ends).toHaveLength(1)
  expect(events.at(-1)).toBe(ends[0])
  return {
    text: events.flatMap((event) => (event.type === "text" ? [event.text] : [])).join(""),
    citations: events.flatMap((event) => (event.type === "citation" ? [event.citation] : [])),
    end: ends[0]!,
  }
}

const question = "Within how many days may I return shoes?"

describe("with a model", () => {
  test("the answer streams, and cites passages that were retrieved for it", async () => {
    model.script = says("Ninety ", "days [", "1].")
    const { text, citations, end } = await ask(question)
    expect(text).toBe("Ninety days [1].")
    expect(citations).toEqual([
      expect.objectContaining({
        number: 1,
        title: "Returns",
        text: expect.stringMatching("ninety"),
      }),
    ])
    expect(end).toEqual({ type: "end", mode: "model", isAnswered: true, isFailed: false, spend })
  })

  test("a number that it made up never reaches the reader, and counts as no answer", async () => {
    model.script = says("Ninety days [7]", "[8].")
    const { text, citations, end } = await ask(question)
    expect(text).toBe("Ninety days.")
    expect(citations).toEqual([])
    expect(end).toMatchObject({ mode: "model", isAnswered: false })
  })

  test("a sentence that its passage does not support loses its number, and the log says which", async () => {
    const warn = vi.spyOn(log, "warn")
    const dropped = () => warn.mock.calls.map(([fields]) => fields as unknown as object)
    try {
      model.script = says(
        "Ninety days [1]. Express ships to Ice",
        "land cost twelve crowns [",
        "1].",
      )
      const { text, citations, end } = await ask(question)
      expect(text).toBe("Ninety days [1]. Express ships to Iceland cost twelve crowns.")
      expect(citations).toHaveLength(1)
      expect(end).toMatchObject({ isAnswered: true })
      const { chunkId } = citations[0]!
      expect(dropped()).toEqual([
        { code: "citation_dropped", botId, chunkId, reason: "unsupported" },
      ])
      expect(JSON.stringify(warn.mock.calls)).not.toMatch(/Iceland|crowns|Ninety/)
    } finally {
      warn.mockRestore()
    }
  })

  test("a quotation that its passage does not hold is no citation, and no answer", async () => {
    model.script = says("The shop says “return shoes within ninety weeks of purchase” [1].")
    const { text, citations, end } = await ask(question)
    expect(text).toBe("The shop says “return shoes within ninety weeks of purchase”.")
    expect(citations).toEqual([])
    expect(end).toMatchObject({ mode: "model", isAnswered: false })
  })

  test("it reads this bot's passages and no other bot's, no other tenant's", async () => {
    model.script = says("Yes [1].")
    await ask(`${question} CANARY STRANGER OTHER BOT ten days five days`)
    expect(model.prompts).toHaveLength(1)
    const prompt = JSON.stringify(model.prompts)
    expect(prompt).toContain("ninety days")
    expect(prompt).not.toContain("CANARY-OTHER-BOT")
    expect(prompt).not.toContain("CANARY-STRANGER")
    expect(prompt).not.toContain(tenant.tenantId)
  })

  test("it is not called when nothing relevant was found: the bot says so", async () => {
    model.script = says("I invent something.")
    const { text, end } = await ask("Who won the chess championship in Reykjavik?")
    expect(model.prompts).toEqual([])
    expect(text).toMatch(/^I could not find that/)
    expect(end).toMatchObject({ mode: "none", isAnswered: false, spend: null })
  })

  test("a follow-up is read with the question before it", async () => {
    model.script = says("Ninety [1].")
    const history = [{ role: "user" as const, text: question }]
    const { end } = await ask("And exactly how long?", { history })
    expect(end).toMatchObject({ mode: "model", isAnswered: true })
  })
})

describe("at a money cap", () => {
  test("the model is not called: the answer quotes the sources instead", async () => {
    model.script = says("Ninety days [1].")
    const { text, end } = await ask(question, {
      limits: { ...defaultKeyLimits, monthlySpendMinor: 0 },
    })
    expect(model.prompts).toEqual([])
    expect(text).toBe("You may return shoes within ninety days if the box is whole. [1]")
    expect(end).toMatchObject({ mode: "quotes", isAnswered: true, spend: null })
  })
})

describe("when the provider fails", () => {
  test("before a word, the answer is quoted, and what the call used is still booked", async () => {
    model.script = failsAfter()
    const { text, citations, end } = await ask(question)
    expect(text).toBe("You may return shoes within ninety days if the box is whole. [1]")
    expect(citations).toHaveLength(1)
    expect(end).toEqual({
      type: "end",
      mode: "quotes",
      isAnswered: true,
      isFailed: false,
      isCapped: false,
      spend,
    })
  })

  test("after some words, they stay and the answer says it is cut", async () => {
    model.script = failsAfter("Ninety days [1] and ")
    const { text, end } = await ask(question)
    expect(text.trim()).toBe("Ninety days [1] and")
    expect(end).toMatchObject({ mode: "model", isFailed: true, spend })
  })

  test("by saying nothing at all, the answer is quoted", async () => {
    model.script = says("", " \n")
    const { text, end } = await ask(question)
    expect(text).toContain("ninety days")
    expect(end).toMatchObject({ mode: "quotes" })
  })
})

test("a visitor who leaves ends the model's call and no quote is made up for nobody", async () => {
  const controller = new AbortController()
  model.script = async function* (signal) {
    controller.abort()
    yield { type: "end", usage, isAborted: signal.aborted, error: null }
  }
  const { text, end } = await ask(question, { signal: controller.signal })
  expect(text).toBe("")
  expect(end).toMatchObject({ mode: "model", spend })
})

describe("without a model", () => {
  test("the best passages are quoted word for word, with their sources", async () => {
    const { text, citations, end } = await ask(question)
    expect(text).toBe("You may return shoes within ninety days if the box is whole. [1]")
    expect(citations[0]).toMatchObject({ number: 1, title: "Returns" })
    expect(end).toMatchObject({ mode: "quotes", isAnswered: true, spend: null })
  })
})
