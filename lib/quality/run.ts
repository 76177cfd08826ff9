import { requireBot } from "#lib/bots/queries.ts"
import { hasChatModel, type TriedBot, tryQuestion } from "#lib/chat/trial.ts"
import { newId } from "#lib/ids.ts"
import type { SearchResult } from "#lib/knowledge/schema.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { type GoldenRow, readGoldenQuestions, toExpects, toRunView } from "./queries.ts"
import {
  maxModelQuestions,
  type QuestionResult,
  type RunMode,
  type RunReason,
  type RunWithResults,
} from "./schema.ts"
import { countResults, scoreOutcome } from "./score.ts"

/** Questions asked at once: searches share the pool with visitors, model calls wait for their provider. */
const lanes: Record<RunMode, number> = { quotes: 2, model: 4 }

export type RunPlan = {
  mode: RunMode
  reason: RunReason
  /** The bot as it would be; left out, as it is. */
  instructions?: string | undefined
}

/** A run that is not stored yet. */
export type FreshRun = { mode: RunMode; reason: RunReason; results: QuestionResult[] }

/**
 * Asks every golden question through the visitors' own search and answer path. With the model each costs
 * money, set aside first; without one in the deployment the run quotes.
 */
export async function askGoldenQuestions(
  scope: TenantScope,
  botId: string,
  plan: RunPlan,
): Promise<FreshRun> {
  return askAll(scope, await prepareRun(scope, botId, plan))
}

export type PreparedRun = RunPlan & { bot: TriedBot; asked: GoldenRow[] }

/** What a run will ask, read at once. */
export async function prepareRun(
  scope: TenantScope,
  botId: string,
  plan: RunPlan,
): Promise<PreparedRun> {
  const mode = plan.mode === "model" && (await hasChatModel(scope)) ? "model" : "quotes"
  const { bot, questions } = await withTenant(scope, async (tx) => ({
    bot: await requireBot(tx, botId),
    questions: await readGoldenQuestions(tx, botId),
  }))
  const { id, name, locale } = bot
  const tried = { id, name, locale, instructions: plan.instructions ?? bot.instructions }
  const asked = mode === "model" ? questions.slice(0, maxModelQuestions) : questions
  return { ...plan, mode, bot: tried, asked }
}

type Search = (query: string) => Promise<SearchResult>

/** Asks what was prepared; with `search`, of a change that is not made yet, one question after the other. */
export async function askAll(
  scope: TenantScope,
  { mode, reason, bot, asked }: PreparedRun,
  search?: Search,
): Promise<FreshRun> {
  const results = new Array<QuestionResult>(asked.length)
  let next = 0
  const lane = async () => {
    while (next < asked.length) {
      const at = next++
      results[at] = await askGoldenQuestion(scope, bot, asked[at]!, mode, search)
    }
  }
  await Promise.all(Array.from({ length: search ? 1 : lanes[mode] }, lane))
  return { mode, reason, results }
}

/** One question, asked and scored. */
export async function askGoldenQuestion(
  scope: TenantScope,
  bot: TriedBot,
  row: GoldenRow,
  mode: RunMode,
  search?: Search,
): Promise<QuestionResult> {
  const { question, sourceId, phrase } = row
  const expects = toExpects(row.expects)
  const trial = await tryQuestion(scope, { bot, question, useModel: mode === "model", search })
  const score = scoreOutcome(
    { expects, sourceId, phrase },
    {
      isAnswered: trial.isAnswered,
      passages: trial.found.passages,
      citations: trial.citations,
    },
  )
  return { questionId: row.id, question, expects, ...score }
}

/** Keeps a run for the chart; what it judged is live (`kept`) or was held back (`stopped`). */
export async function storeRun(
  scope: TenantScope,
  botId: string,
  run: FreshRun,
  outcome: "kept" | "stopped",
): Promise<RunWithResults> {
  return withTenant(scope, (tx) => insertRun(tx, scope, botId, { ...run, outcome }))
}

/** The same inside the caller's transaction. */
export async function insertRun(
  tx: Tx,
  scope: TenantScope,
  botId: string,
  { mode, reason, results, outcome }: FreshRun & { outcome: "kept" | "stopped" },
): Promise<RunWithResults> {
  const { tenantId } = scope
  const id = newId("run")
  const row = await tx.qualityRun.create({
    data: { id, tenantId, botId, mode, reason, outcome, ...countResults(results) },
  })
  // A question deleted while it was being asked leaves no result.
  const ids = results.map(({ questionId }) => questionId)
  const left = await tx.goldenQuestion.findMany({
    where: { id: { in: ids } },
    select: { id: true },
  })
  const known = new Set(left.map((one) => one.id))
  await tx.qualityResult.createMany({
    data: results
      .filter(({ questionId }) => known.has(questionId))
      .map(({ questionId, isFound, isCited, isAnswered, isPassed }) => ({
        tenantId,
        runId: id,
        questionId,
        isFound,
        isCited,
        isAnswered,
        isPassed,
      })),
  })
  return { ...toRunView(row), results }
}
