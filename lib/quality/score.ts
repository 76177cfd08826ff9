import type { QuestionResult, WorseQuestion } from "./schema.ts"

export type Expectation = {
  expects: "answer" | "refusal"
  sourceId: string | null
  phrase: string | null
}

type Said = { sourceId: string; text: string }
export type Outcome = { isAnswered: boolean; passages: Said[]; citations: Said[] }

export type Score = Pick<QuestionResult, "isFound" | "isCited" | "isAnswered" | "isPassed">

/**
 * Scores one answer. With an expected source or phrase, one passage must fit all that is expected; without,
 * any passage does. A question that should be refused passes when no answer is given.
 */
export function scoreOutcome(expected: Expectation, outcome: Outcome): Score {
  const { isAnswered } = outcome
  const isFound = outcome.passages.some((passage) => fits(expected, passage))
  const isCited = outcome.citations.some((citation) => fits(expected, citation))
  const isPassed = expected.expects === "refusal" ? !isAnswered : isAnswered && isCited
  return { isFound, isCited, isAnswered, isPassed }
}

function fits({ sourceId, phrase }: Expectation, said: Said): boolean {
  if (sourceId !== null && said.sourceId !== sourceId) return false
  return phrase === null || flatten(said.text).includes(flatten(phrase))
}

function flatten(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim()
}

export type Counts = {
  questionCount: number
  passedCount: number
  answerableCount: number
  foundCount: number
  citedCount: number
  answeredCount: number
  refusedCount: number
}

/** Found, cited and answered are counted among the questions that have an answer, refused among the others. */
export function countResults(results: readonly QuestionResult[]): Counts {
  const answerable = results.filter(({ expects }) => expects === "answer")
  const refusable = results.filter(({ expects }) => expects === "refusal")
  return {
    questionCount: results.length,
    passedCount: results.filter(({ isPassed }) => isPassed).length,
    answerableCount: answerable.length,
    foundCount: answerable.filter(({ isFound }) => isFound).length,
    citedCount: answerable.filter(({ isCited }) => isCited).length,
    answeredCount: answerable.filter(({ isAnswered }) => isAnswered).length,
    refusedCount: refusable.filter(({ isAnswered }) => !isAnswered).length,
  }
}

/** Questions that passed before and fail now. One that was not asked before cannot have become worse. */
export function listWorse(
  before: readonly { questionId: string; isPassed: boolean }[],
  now: readonly QuestionResult[],
): WorseQuestion[] {
  const passed = new Set(before.flatMap((r) => (r.isPassed ? [r.questionId] : [])))
  return now
    .filter((result) => !result.isPassed && passed.has(result.questionId))
    .map(({ questionId, question, expects }) => ({ questionId, question, expects }))
}
