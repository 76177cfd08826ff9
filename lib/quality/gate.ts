import { record } from "#lib/audit/record.ts"
import { updateBot } from "#lib/bots/commands.ts"
import { getBot } from "#lib/bots/queries.ts"
import type { BotView, UpdateBotInput } from "#lib/bots/schema.ts"
import { passageCount } from "#lib/chat/answer.ts"
import { hasChatModel } from "#lib/chat/trial.ts"
import { deleteSource, dropSource } from "#lib/knowledge/commands.ts"
import { getSource } from "#lib/knowledge/queries.ts"
import { searchWithin } from "#lib/knowledge/search.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { findBaseline } from "./queries.ts"
import { askAll, askGoldenQuestions, type FreshRun, prepareRun, storeRun } from "./run.ts"
import type { Gated, RunMode, RunReason } from "./schema.ts"
import { listWorse } from "./score.ts"

// Guarantees: publishing a bot, changing the instructions of a published one, and taking a source from it
// asks the golden questions of the changed state first. When one that passed in the last kept run fails now, nothing changes until
// the owner, who saw which, says so.

/**
 * Changes a bot, asking first when the change makes its golden questions worse. `confirmedRunId` names the
 * run that the owner saw; only the bot's newest run counts as seen.
 */
export async function changeBot(
  scope: TenantScope,
  botId: string,
  { confirmedRunId, ...input }: UpdateBotInput & { confirmedRunId?: string | undefined },
): Promise<Gated<BotView>> {
  allow(scope, "bots.write")
  const apply = () => updateBot(scope, botId, input)
  const bot = await getBot(scope, botId)
  const reason = await findReason(scope, bot, input)
  if (!reason) return { needsConfirmation: false, done: await apply() }
  const mode = await chooseMode(scope, botId, reason)
  const instructions = input.instructions ?? bot.instructions
  return guardChange(
    scope,
    botId,
    { mode, reason, confirmedRunId },
    {
      ask: () => askGoldenQuestions(scope, botId, { mode, reason, instructions }),
      // Without a run to compare with, instructions are compared with what is live now.
      askBefore:
        reason === "instructions" ? () => askGoldenQuestions(scope, botId, { mode, reason }) : null,
      apply,
    },
  )
}

/** As the newest kept run was made, so that two of a kind are compared; only a model follows instructions. */
async function chooseMode(scope: TenantScope, botId: string, reason: RunReason): Promise<RunMode> {
  if (!(await hasChatModel(scope))) return "quotes"
  if (reason === "instructions") return "model"
  const last = await withTenant(scope, (tx) => findBaseline(tx, botId))
  return last?.mode === "quotes" ? "quotes" : "model"
}

/** What makes a change go live with other answers; quotes do not follow instructions. */
async function findReason(
  scope: TenantScope,
  bot: BotView,
  input: UpdateBotInput,
): Promise<RunReason | null> {
  if (input.published === true && !bot.published) return "publish"
  const isLive = input.published ?? bot.published
  const isReworded = input.instructions !== undefined && input.instructions !== bot.instructions
  return isLive && isReworded && (await hasChatModel(scope)) ? "instructions" : null
}

/**
 * Deletes a source, asking first when a published bot's golden questions get worse without it. They are
 * asked of the knowledge as it would be, by quoting, inside a transaction that is then rolled back.
 */
export async function removeSource(
  scope: TenantScope,
  sourceId: string,
  confirmedRunId?: string,
): Promise<Gated<null>> {
  allow(scope, "knowledge.write")
  const { botId } = await getSource(scope, sourceId)
  const apply = async () => {
    await deleteSource(scope, sourceId)
    return null
  }
  const bot = await getBot(scope, botId)
  if (!bot.published) return { needsConfirmation: false, done: await apply() }
  const plan = { mode: "quotes", reason: "source" } as const
  return guardChange(
    scope,
    botId,
    { ...plan, confirmedRunId },
    {
      ask: () => askWithout(scope, botId, sourceId),
      askBefore: () => askGoldenQuestions(scope, botId, plan),
      apply,
    },
  )
}

/** Bounds how long the rolled-back transaction holds the bot's counts. */
const questionsWithout = 60

class Undone extends Error {
  readonly run: FreshRun

  constructor(run: FreshRun) {
    super("rolled back on purpose")
    this.run = run
  }
}

async function askWithout(scope: TenantScope, botId: string, sourceId: string): Promise<FreshRun> {
  const plan = { mode: "quotes", reason: "source" } as const
  // Read before: a second connection inside the transaction would starve the pool.
  const prepared = await prepareRun(scope, botId, plan)
  const asked = prepared.asked.slice(0, questionsWithout)
  const place = { tenantId: scope.tenantId, botId }
  try {
    return await withTenant(scope, async (tx) => {
      await dropSource(tx, scope, sourceId)
      const search = (query: string) => searchWithin(tx, place, query, passageCount)
      throw new Undone(await askAll(scope, { ...prepared, asked }, search))
    })
  } catch (error) {
    if (error instanceof Undone) return error.run
    throw error
  }
}

type Change<T> = {
  ask: () => Promise<FreshRun>
  askBefore: (() => Promise<FreshRun>) | null
  apply: () => Promise<T>
}

/** Runs a change through the gate. */
export async function guardChange<T>(
  scope: TenantScope,
  botId: string,
  plan: { mode: RunMode; reason: RunReason; confirmedRunId: string | undefined },
  { ask, askBefore, apply }: Change<T>,
): Promise<Gated<T>> {
  if (plan.confirmedRunId && (await overrule(scope, botId, plan)))
    return { needsConfirmation: false, done: await apply() }
  const before = await readBaseline(scope, botId, plan.mode)
  const baseline = before ?? (askBefore && (await keep(scope, botId, await askBefore())))
  const run = await ask()
  if (run.results.length === 0) return { needsConfirmation: false, done: await apply() }
  const worse = baseline ? listWorse(baseline, run.results) : []
  if (worse.length === 0) {
    const done = await apply()
    await storeRun(scope, botId, run, "kept")
    return { needsConfirmation: false, done }
  }
  const stopped = await storeRun(scope, botId, run, "stopped")
  const asked = new Set(run.results.map(({ questionId }) => questionId))
  return {
    needsConfirmation: true,
    runId: stopped.id,
    passedBefore: baseline!.filter((r) => r.isPassed && asked.has(r.questionId)).length,
    passedNow: stopped.passedCount,
    questionCount: stopped.questionCount,
    worse,
  }
}

export type Baseline = { questionId: string; isPassed: boolean }[]

/** What passed in the newest run whose state is live; null when there is none of this kind. */
export async function readBaseline(
  scope: TenantScope,
  botId: string,
  mode: RunMode,
): Promise<Baseline | null> {
  return withTenant(scope, async (tx) => {
    const run = await findBaseline(tx, botId, mode)
    return run && tx.qualityResult.findMany({ where: { runId: run.id } })
  })
}

/** Keeps the run of what is live as the one to compare with. */
export async function keep(
  scope: TenantScope,
  botId: string,
  run: FreshRun,
): Promise<Baseline | null> {
  return run.results.length > 0 ? (await storeRun(scope, botId, run, "kept")).results : null
}

/** True when the owner saw the bot's newest run and went ahead: it is what later changes are compared with. */
async function overrule(
  scope: TenantScope,
  botId: string,
  { confirmedRunId: runId, reason }: { confirmedRunId?: string | undefined; reason: RunReason },
): Promise<boolean> {
  return withTenant(scope, async (tx) => {
    const newest = await tx.qualityRun.findFirst({
      where: { botId },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    })
    if (!newest || newest.id !== runId || newest.outcome !== "stopped") return false
    // A run that judged something else was not seen for this.
    if (newest.reason !== reason) return false
    await tx.qualityRun.update({ where: { id: runId }, data: { outcome: "kept" } })
    const { passedCount, questionCount } = newest
    await record(tx, scope, {
      action: "check.overruled",
      target: botId,
      after: { passed: passedCount, questions: questionCount },
    })
    return true
  })
}
