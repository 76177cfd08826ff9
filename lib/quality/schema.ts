import { z } from "zod"

export const expectations = ["answer", "refusal"] as const
export const provenances = ["written", "imported", "playground", "gap", "drafted"] as const
export const runModes = ["quotes", "model"] as const
export type RunMode = (typeof runModes)[number]
export const runReasons = ["asked", "publish", "instructions", "source", "knowledge"] as const
export type RunReason = (typeof runReasons)[number]

/** What a bot may have: a run asks them all. */
export const maxGoldenQuestions = 200
/** A run with the model costs money for each question: it asks the oldest ones. */
export const maxModelQuestions = 40

export const goldenQuestionView = z.strictObject({
  id: z.string(),
  botId: z.string(),
  question: z.string(),
  expects: z.enum(expectations),
  /** The source that holds the answer; null when any may. */
  sourceId: z.string().nullable(),
  /** Null when there is none, or when the source is gone. */
  sourceTitle: z.string().nullable(),
  /** Words that must stand in what is cited. */
  phrase: z.string().nullable(),
  provenance: z.enum(provenances),
  createdAt: z.string(),
})
export type GoldenQuestionView = z.infer<typeof goldenQuestionView>

const hasText = (value: string) => /[\p{L}\p{N}]/u.test(value)
const question = z
  .string()
  .trim()
  .max(500, "Keep the question under 500 characters.")
  .refine(hasText, "Write the question.")

const goldenFields = {
  question,
  expects: z.enum(expectations),
  sourceId: z.string().max(100).nullable(),
  phrase: z
    .string()
    .trim()
    .max(300, "Keep the phrase under 300 characters.")
    .transform((text) => text || null)
    .nullable(),
}

export const createGoldenInput = z.strictObject({
  ...goldenFields,
  expects: goldenFields.expects.default("answer"),
  sourceId: goldenFields.sourceId.default(null),
  phrase: goldenFields.phrase.default(null),
  provenance: z.enum(["written", "playground"]).default("written"),
})
export type CreateGoldenInput = z.input<typeof createGoldenInput>

export const updateGoldenInput = z.strictObject(goldenFields).partial()
export type UpdateGoldenInput = z.input<typeof updateGoldenInput>

export const importGoldenInput = z.strictObject({
  text: z
    .string()
    .max(200_000, "That is too long. Import it in parts.")
    .refine(hasText, "Paste questions."),
})

/** What an import did; lines that were left out say why. */
export type ImportOutcome = { added: number; skipped: { line: number; reason: string }[] }

export const questionResult = z.strictObject({
  questionId: z.string(),
  question: z.string(),
  expects: z.enum(expectations),
  /** The passage with the answer was among those found. */
  isFound: z.boolean(),
  /** And the answer points to it. */
  isCited: z.boolean(),
  isAnswered: z.boolean(),
  isPassed: z.boolean(),
})
export type QuestionResult = z.infer<typeof questionResult>

export type RunView = {
  id: string
  reason: RunReason
  mode: RunMode
  outcome: "kept" | "stopped"
  questionCount: number
  passedCount: number
  /** Of the questions that have an answer: `foundCount` of `answerableCount` were found, and so on. */
  answerableCount: number
  foundCount: number
  citedCount: number
  answeredCount: number
  /** Of the questions that should be refused (`questionCount` less `answerableCount`). */
  refusedCount: number
  createdAt: string
}

export type RunWithResults = RunView & { results: QuestionResult[] }

export type Quality = {
  questions: GoldenQuestionView[]
  /** Newest first. */
  runs: RunView[]
  /** The newest kept run. */
  last: RunWithResults | null
  hasModel: boolean
  /** A source became ready, or went, after the newest kept run. */
  isStale: boolean
}

/** What a change made worse: questions that passed in the run before and fail now. */
export type WorseQuestion = { questionId: string; question: string; expects: "answer" | "refusal" }

/** The gate's answer: the change is made, or asks first. */
export type Gated<T> =
  | { needsConfirmation: false; done: T }
  | {
      needsConfirmation: true
      runId: string
      passedBefore: number
      passedNow: number
      questionCount: number
      worse: WorseQuestion[]
    }

/** Names the run whose result the owner saw and went ahead all the same. */
export const confirmedRunId = z.string().max(100).optional()

export type GapQuestion = {
  /** The answer that was missing or disliked. */
  messageId: string
  conversationId: string
  text: string
  kind: "unanswered" | "thumbsDown"
  askedAt: string
}

/** Questions that ask the same, most asked first. */
export type GapView = {
  /** The newest wording. */
  question: string
  count: number
  unansweredCount: number
  thumbsDownCount: number
  lastAskedAt: string
  questions: GapQuestion[]
}

export type ClosedGapView = {
  id: string
  question: string
  outcome: "answered" | "dismissed"
  sourceId: string | null
  /** Null until the answer was read and the question asked again. */
  isFixed: boolean | null
  questionCount: number
  closedAt: string
}

const messageIds = z.array(z.string().max(100)).min(1).max(500)
export const answerGapInput = z.strictObject({
  messageIds,
  question,
  answer: z
    .string()
    .trim()
    .max(10_000, "Keep the answer under 10,000 characters.")
    .refine(hasText, "Write the answer."),
})
export type AnswerGapInput = z.input<typeof answerGapInput>
export const dismissGapInput = z.strictObject({ messageIds })

export const tryQuestionInput = z.strictObject({
  question,
  /** Other instructions than the bot's own: a draft. */
  instructions: z.string().max(4_000, "Keep the instructions under 4,000 characters.").optional(),
  useModel: z.boolean().default(false),
})
export type TryQuestionInput = z.input<typeof tryQuestionInput>

export type TrialPassage = {
  chunkId: string
  sourceId: string
  title: string
  heading: string
  page: number | null
  text: string
  score: number
}

/** What the bot would say, and all it would say it from. */
export type TrialView = {
  question: string
  answer: string
  mode: "model" | "quotes" | "none"
  isAnswered: boolean
  /** Numbers of the passages the answer cites. */
  cited: number[]
  passages: TrialPassage[]
  confidence: number
  isRelevant: boolean
  /** What the model reads; null without one. */
  prompt: string | null
}
