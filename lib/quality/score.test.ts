import { describe, expect, test } from "vitest"
import type { QuestionResult } from "./schema.ts"
import { countResults, type Expectation, listWorse, scoreOutcome } from "./score.ts"

const returns = { sourceId: "src_returns", text: "Return any item within 30\n days of delivery." }
const hours = { sourceId: "src_hours", text: "We open at nine." }
const answer = (sourceId: string | null = null, phrase: string | null = null): Expectation => ({
  expects: "answer",
  sourceId,
  phrase,
})
const refusal: Expectation = { expects: "refusal", sourceId: null, phrase: null }

describe("a question that has an answer", () => {
  test.each([
    ["any passage", answer(), [returns], true],
    ["its source", answer("src_returns"), [hours, returns], true],
    ["another source", answer("src_returns"), [hours], false],
    ["its phrase, whatever the case and spaces", answer(null, "WITHIN 30 days"), [returns], true],
    ["no such phrase", answer(null, "60 days"), [returns], false],
    ["the phrase in another source", answer("src_hours", "30 days"), [returns, hours], false],
    ["nothing", answer(), [], false],
  ])("expecting it, with %s cited", (_, expected, citations, isPassed) => {
    const score = scoreOutcome(expected, { isAnswered: true, passages: citations, citations })
    expect(score).toEqual({ isFound: isPassed, isCited: isPassed, isAnswered: true, isPassed })
  })

  test("fails when its passage is found and not cited", () => {
    const outcome = { isAnswered: true, passages: [returns, hours], citations: [hours] }
    expect(scoreOutcome(answer("src_returns"), outcome)).toMatchObject({
      isFound: true,
      isCited: false,
      isPassed: false,
    })
  })

  test("fails when the bot says that it does not know", () => {
    const outcome = { isAnswered: false, passages: [returns], citations: [] }
    expect(scoreOutcome(answer(), outcome)).toMatchObject({ isAnswered: false, isPassed: false })
  })
})

test("a question that should be refused passes when it is, and fails on any answer", () => {
  const refused = { isAnswered: false, passages: [hours], citations: [] }
  expect(scoreOutcome(refusal, refused).isPassed).toBe(true)
  expect(scoreOutcome(refusal, { ...refused, isAnswered: true }).isPassed).toBe(false)
})

const result = (
  questionId: string,
  isPassed: boolean,
  more: Partial<QuestionResult> = {},
): QuestionResult => ({
  questionId,
  question: `Question ${questionId}?`,
  expects: "answer",
  isFound: isPassed,
  isCited: isPassed,
  isAnswered: isPassed,
  isPassed,
  ...more,
})

test("found, cited and answered count among the answerable, refused among the others", () => {
  const results = [
    result("a", true),
    result("b", false, { isFound: true, isAnswered: true }),
    result("c", true, { expects: "refusal", isAnswered: false, isFound: true, isCited: false }),
    result("d", false, { expects: "refusal", isAnswered: true, isFound: true, isCited: true }),
  ]
  expect(countResults(results)).toEqual({
    questionCount: 4,
    passedCount: 2,
    answerableCount: 2,
    foundCount: 2,
    citedCount: 1,
    answeredCount: 2,
    refusedCount: 1,
  })
  expect(countResults([])).toMatchObject({ questionCount: 0, passedCount: 0 })
})

test("worse is what passed before and fails now: not what failed already, not what is new", () => {
  const before = [result("kept", true), result("broken", true), result("failing", false)]
  const now = [
    result("kept", true),
    result("broken", false),
    result("failing", false),
    result("new", false),
  ]
  expect(listWorse(before, now)).toEqual([
    { questionId: "broken", question: "Question broken?", expects: "answer" },
  ])
  expect(listWorse(before, [])).toEqual([])
})
