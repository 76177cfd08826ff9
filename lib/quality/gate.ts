import { record } from "#lib/audit/record.ts"
import { updateBot } from "#lib/bots/commands.ts"
import { getBot } from "#lib/bots/queries.ts"
import type { BotView, UpdateBotInput } from "#lib/bots/schema.ts"
import { hasChatModel } from "#lib/chat/trial.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { findBaseline } from "./queries.ts"
import { askGoldenQuestions, type FreshRun, storeRun } from "./run.ts"
import type { Gated, RunMode, RunReason } from "./schema.ts"
import { listWorse } from "./score.ts"

// Guarantees: publishing a bot, and changing the instructions of a published one, asks the golden questions
// of the changed state first. When one that passed in the last kept run fails now, nothing changes until
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
  const reason = findReason(bot, input)
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
  if (!hasChatModel()) return "quotes"
  if (reason === "instructions") return "model"
  const last = await withTenant(scope, (tx) => findBaseline(tx, botId))
  return last?.mode === "quotes" ? "quotes" : "model"
}

/** What makes a change go live with other answers; quotes do not follow instructions. */
function findReason(bot: BotView, input: UpdateBotInput): RunReason | null {
  if (input.published === true && !bot.published) return "publish"
  const isLive = input.published ?? bot.published
  const isReworded = input.instructions !== undefined && input.instructions !== bot.instructions
  return isLive && isReworded && hasChatModel() ? "instructions" : null
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
  if (plan.confirmedRunId && (await overrule(scope, botId, plan.confirmedRunId)))
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

type Baseline = { questionId: string; isPassed: boolean }[]

async function readBaseline(
  scope: TenantScope,
  botId: string,
  mode: RunMode,
): Promise<Baseline | null> {
  return withTenant(scope, async (tx) => {
    const run = await findBaseline(tx, botId, mode)
    return run && tx.qualityResult.findMany({ where: { runId: run.id } })
  })
}

async function keep(scope: TenantScope, botId: string, run: FreshRun): Promise<Baseline | null> {
  return run.results.length > 0 ? (await storeRun(scope, botId, run, "kept")).results : null
}

/** True when the owner saw the bot's newest run and went ahead: it is what later changes are compared with. */
async function overrule(scope: TenantScope, botId: string, runId: string): Promise<boolean> {
  return withTenant(scope, async (tx) => {
    const newest = await tx.qualityRun.findFirst({
      where: { botId },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    })
    if (newest?.id !== runId || newest.outcome !== "stopped") return false
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
