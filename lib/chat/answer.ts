import type { Usage } from "#lib/billing/commands.ts"
import type { Passage, SearchResult } from "#lib/knowledge/schema.ts"
import { searchKnowledge } from "#lib/knowledge/search.ts"
import type { KeyLimits } from "#lib/limits/schema.ts"
import { type Reservation, reserveSpend } from "#lib/limits/spend.ts"
import { log } from "#lib/log.ts"
import { mayCallModel } from "#lib/models/breaker.ts"
import { type ChatModel, streamModel, worstCaseCost } from "#lib/models/chat-model.ts"
import { findModelFor } from "#lib/models/queries.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import type { ToolConfirmation } from "#lib/tools/schema.ts"
import { CitationFilter, type Shown } from "./citations.ts"
import { notFoundPhrase, toolPhrase } from "./phrases.ts"
import { buildPrompt } from "./prompt.ts"
import { quotePassages } from "./quotes.ts"
import { makeSupportJudge } from "./support.ts"
import { openTools, type TurnTools } from "./tools.ts"

/** Passages an answer is made of. */
export const passageCount = 6

export type Question = {
  question: string
  history: { role: "user" | "assistant"; text: string }[]
  bot: { name: string; instructions: string; locale: string | null }
}

type Spend = { usage: Usage; reservation: Reservation } | null

export type CitedPassage = Omit<Passage, "score"> & { number: number }

export type AnswerEvent =
  | { type: "text"; text: string }
  | { type: "citation"; citation: CitedPassage }
  /** A tool that writes waits for the visitor's yes; nothing has run. */
  | { type: "confirmation"; confirmation: ToolConfirmation }
  /** The last event, always. */
  | {
      type: "end"
      mode: "model" | "quotes" | "none"
      isAnswered: boolean
      isFailed: boolean
      /** True when there was no money for a model: the answer is quoted for that reason alone. */
      isCapped?: boolean
      /** What the model call used and the money set aside for it; null when none was made. */
      spend: Spend
    }

/** What an answer needs of the world: who asks decides where it searches and who pays. */
export type AnswerMeans = {
  botId: string
  search: (query: string) => Promise<SearchResult>
  /** The model that answers, and money set aside for its call, null at a cap. Without it the answer is quoted. */
  model: {
    find: () => Promise<ChatModel | null>
    reserve: (model: ChatModel, nanos: bigint) => Promise<Reservation | null>
  } | null
  /** What a model may do besides speaking; nothing without it. */
  openTools?: () => Promise<TurnTools | null>
  /** Told what was found and what the model is about to read. */
  onRead?: (found: SearchResult, prompt: ReturnType<typeof buildPrompt>) => void
}

/** Answers a visitor's question from their bot's passages; see `composeAnswer`. */
export async function* answerQuestion(
  scope: VisitorScope,
  question: Question & { conversationId?: string },
  { limits, signal }: { limits: KeyLimits; signal: AbortSignal },
): AsyncGenerator<AnswerEvent> {
  const { botId } = scope.visitor
  const { conversationId } = question
  yield* composeAnswer(question, signal, {
    botId,
    // A question is embedded on the deployment's account, whosever model answers it.
    search: (query) =>
      searchKnowledge(scope, botId, query, passageCount, (nanos) =>
        reserveSpend(scope, limits, nanos),
      ),
    model: {
      find: () => findModelFor(scope),
      reserve: ({ ownerId }, nanos) =>
        reserveSpend(scope, limits, nanos, { isOwnModel: ownerId !== undefined }),
    },
    ...(conversationId ? { openTools: () => openTools(scope, conversationId) } : {}),
  })
}

/**
 * Answers one question from a bot's own passages: by the model where there is one, otherwise (at a money
 * cap, or when the provider fails before it said anything) by quoting. Ends early when `signal` aborts.
 */
export async function* composeAnswer(
  question: Question,
  signal: AbortSignal,
  means: AnswerMeans,
): AsyncGenerator<AnswerEvent> {
  const found = await retrieve(means.search, question)
  const model = (await means.model?.find()) ?? null
  const tools = (model && (await means.openTools?.())) ?? null
  const isFound = found.isRelevant && found.passages.length > 0
  // What does not fit the question is no help to a model that has tools for it.
  const passages = isFound || !tools ? found.passages : []
  const numbered = passages.map((passage, i) => ({ ...passage, number: i + 1 }))
  const prompt = buildPrompt({ ...question, passages: numbered, hasTools: tools !== null })
  means.onRead?.(found, prompt)
  let isCapped = false
  const giveUp = function* (spend: Spend): Generator<AnswerEvent> {
    yield { type: "text", text: notFoundPhrase(question.question, question.bot.locale) }
    yield { type: "end", mode: "none", isAnswered: false, isFailed: false, isCapped, spend }
  }
  if (!isFound && !tools) {
    yield* giveUp(null)
    return
  }
  const checker = new CitationFilter(
    numbered.map((p) => p.number),
    makeSupportJudge(question.question, numbered),
  )
  const show = function* (checked: Shown): Generator<AnswerEvent> {
    for (const { number, reason } of checked.dropped) {
      const chunkId = numbered.find((p) => p.number === number)?.chunkId ?? null
      log.warn(
        { code: "citation_dropped", botId: means.botId, chunkId, reason },
        "citation dropped",
      )
    }
    for (const number of checked.fresh) {
      const { score: _, ...citation } = numbered.find((p) => p.number === number)!
      yield { type: "citation", citation }
    }
    if (checked.text) yield { type: "text", text: checked.text }
  }
  // A provider that fails is left alone for a while; that is no cap.
  const callable = model && mayCallModel(Date.now(), model.ownerId) ? model : null
  const reservation =
    callable &&
    (await means.model!.reserve(callable, worstCaseCost(callable, prompt, tools?.tools)))
  isCapped = callable !== null && reservation === null
  let spend: Spend = null
  if (model && reservation) {
    let hasText = false
    for await (const event of streamModel(model, prompt, signal, tools)) {
      if (event.type === "text") {
        hasText ||= event.text.trim() !== ""
        yield* show(checker.push(event.text))
        continue
      }
      spend = { usage: event.usage, reservation }
      yield* show(checker.flush())
      const confirmation = tools?.confirmation() ?? null
      if (confirmation) {
        const text = toolPhrase("confirm", question.question, question.bot.locale)
        if (!hasText) yield { type: "text", text }
        yield { type: "confirmation", confirmation }
      }
      if (hasText || event.isAborted || confirmation) {
        const hasActed = confirmation !== null || tools?.hasResult() === true
        const isAnswered = checker.cited.length > 0 || hasActed
        yield { type: "end", mode: "model", isAnswered, isFailed: event.error !== null, spend }
        return
      }
    }
  }
  if (!isFound) {
    yield* giveUp(spend)
    return
  }
  yield* show(checker.push(quotePassages(question.question, numbered)))
  yield* show(checker.flush())
  yield { type: "end", mode: "quotes", isAnswered: true, isFailed: false, isCapped, spend }
}

/** A follow-up such as "and on Sundays?" finds nothing alone: it is read with the question before it. */
async function retrieve(search: AnswerMeans["search"], { question, history }: Question) {
  const found = await search(question)
  const previous = history.findLast((message) => message.role === "user")
  if (found.isRelevant || !previous) return found
  return search(`${previous.text} ${question}`)
}
