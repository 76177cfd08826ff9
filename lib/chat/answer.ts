import type { Usage } from "#lib/billing/commands.ts"
import type { Passage } from "#lib/knowledge/schema.ts"
import { searchKnowledge } from "#lib/knowledge/search.ts"
import type { KeyLimits } from "#lib/limits/schema.ts"
import { type Reservation, reserveSpend } from "#lib/limits/spend.ts"
import { findChatModel, streamModel, worstCaseCost } from "#lib/models/chat-model.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { CitationFilter } from "./citations.ts"
import { notFoundPhrase } from "./phrases.ts"
import { buildPrompt } from "./prompt.ts"
import { quotePassages } from "./quotes.ts"

const passageCount = 6

export type Question = {
  question: string
  history: { role: "user" | "assistant"; text: string }[]
  bot: { name: string; instructions: string; locale: string | null }
}

export type CitedPassage = Omit<Passage, "score"> & { number: number }

export type AnswerEvent =
  | { type: "text"; text: string }
  | { type: "citation"; citation: CitedPassage }
  /** The last event, always. */
  | {
      type: "end"
      mode: "model" | "quotes" | "none"
      isAnswered: boolean
      isFailed: boolean
      /** What the model call used and the money set aside for it; null when none was made. */
      spend: { usage: Usage; reservation: Reservation } | null
    }

/**
 * Answers one question from the bot's own passages: by the model where there is one, otherwise (at a money
 * cap, or when the provider fails before it said anything) by quoting. Ends early when `signal` aborts.
 */
export async function* answerQuestion(
  scope: VisitorScope,
  question: Question,
  { limits, signal }: { limits: KeyLimits; signal: AbortSignal },
): AsyncGenerator<AnswerEvent> {
  const { passages, isRelevant } = await retrieve(scope, question)
  if (!isRelevant || passages.length === 0) {
    yield { type: "text", text: notFoundPhrase(question.question, question.bot.locale) }
    yield { type: "end", mode: "none", isAnswered: false, isFailed: false, spend: null }
    return
  }
  const model = findChatModel()
  const numbered = passages.map((passage, i) => ({ ...passage, number: i + 1 }))
  const checker = new CitationFilter(numbered.map((p) => p.number))
  const show = function* (checked: { text: string; fresh: number[] }): Generator<AnswerEvent> {
    for (const number of checked.fresh) {
      const { score: _, ...citation } = numbered.find((p) => p.number === number)!
      yield { type: "citation", citation }
    }
    if (checked.text) yield { type: "text", text: checked.text }
  }
  const prompt = buildPrompt({ ...question, passages: numbered })
  const reservation = model && (await reserveSpend(scope, limits, worstCaseCost(model, prompt)))
  let spend: { usage: Usage; reservation: Reservation } | null = null
  if (model && reservation) {
    let hasText = false
    for await (const event of streamModel(model, prompt, signal)) {
      if (event.type === "text") {
        hasText ||= event.text.trim() !== ""
        yield* show(checker.push(event.text))
        continue
      }
      spend = { usage: event.usage, reservation }
      yield* show(checker.flush())
      if (hasText || event.isAborted) {
        const isAnswered = checker.cited.length > 0
        yield { type: "end", mode: "model", isAnswered, isFailed: event.error !== null, spend }
        return
      }
    }
  }
  yield* show(checker.push(quotePassages(question.question, numbered)))
  yield* show(checker.flush())
  yield { type: "end", mode: "quotes", isAnswered: true, isFailed: false, spend }
}

/** A follow-up such as "and on Sundays?" finds nothing alone: it is read with the question before it. */
async function retrieve(scope: VisitorScope, { question, history }: Question) {
  const { botId } = scope.visitor
  const found = await searchKnowledge(scope, botId, question, passageCount)
  const previous = history.findLast((message) => message.role === "user")
  if (found.isRelevant || !previous) return found
  return searchKnowledge(scope, botId, `${previous.text} ${question}`, passageCount)
}
