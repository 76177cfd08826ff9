import { requireBot } from "#lib/bots/queries.ts"
import { hasChatModel } from "#lib/chat/trial.ts"
import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { groupQuestions } from "./group.ts"
import {
  type ClosedGapView,
  type GapQuestion,
  type GapView,
  type GoldenQuestionView,
  maxGoldenQuestions,
  type Quality,
  type QuestionResult,
  type RunMode,
  type RunView,
} from "./schema.ts"

export type GoldenRow = NonNullable<Awaited<ReturnType<Tx["goldenQuestion"]["findFirst"]>>>
export type RunRow = NonNullable<Awaited<ReturnType<Tx["qualityRun"]["findFirst"]>>>

/** Whether answers can be written by a model, and not only quoted. */
export function hasAnswerModel(scope: TenantScope): Promise<boolean> {
  return hasChatModel(scope)
}

const shownRuns = 30

/** A bot's golden questions, its last runs and what the newest one found. Throws `not_found`. */
export async function getQuality(scope: TenantScope, botId: string): Promise<Quality> {
  allow(scope, "knowledge.read")
  const hasModel = await hasChatModel(scope)
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const questions = await readGoldenQuestions(tx, botId)
    const rows = await tx.qualityRun.findMany({
      where: { botId },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: shownRuns,
    })
    const kept = rows.find((row) => row.outcome === "kept") ?? null
    return {
      questions: await toGoldenViews(tx, botId, questions),
      runs: rows.map(toRunView),
      last: kept && { ...toRunView(kept), results: await readResults(tx, kept.id, questions) },
      hasModel,
      isStale: kept !== null && (await hasChangedSince(tx, botId, kept.createdAt)),
    }
  })
}

/** The oldest first: the order in which they are asked. */
export async function readGoldenQuestions(tx: Tx, botId: string): Promise<GoldenRow[]> {
  return tx.goldenQuestion.findMany({
    where: { botId },
    orderBy: [{ createdAt: "asc" }, { id: "asc" }],
    take: maxGoldenQuestions,
  })
}

/** The newest run whose state is live, of this kind or of any: what a change is compared with. */
export async function findBaseline(tx: Tx, botId: string, mode?: RunMode): Promise<RunRow | null> {
  return tx.qualityRun.findFirst({
    where: { botId, outcome: "kept", ...(mode ? { mode } : {}) },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
  })
}

async function readResults(
  tx: Tx,
  runId: string,
  questions: GoldenRow[],
): Promise<QuestionResult[]> {
  const rows = await tx.qualityResult.findMany({ where: { runId } })
  const byId = new Map(rows.map((row) => [row.questionId, row]))
  return questions.flatMap(({ id, question, expects }) => {
    const row = byId.get(id)
    if (!row) return []
    const { isFound, isCited, isAnswered, isPassed } = row
    return [
      {
        questionId: id,
        question,
        expects: toExpects(expects),
        isFound,
        isCited,
        isAnswered,
        isPassed,
      },
    ]
  })
}

/** Deleted sources leave no row behind: the log of the house knows about them. */
async function hasChangedSince(tx: Tx, botId: string, at: Date): Promise<boolean> {
  const changed = await tx.source.count({
    where: { botId, status: "ready", updatedAt: { gt: at } },
  })
  if (changed > 0) return true
  const [row] = await tx.$queryRaw<{ isGone: boolean }[]>`
    select exists (select from public.audit_events e
      where e.action = 'source.deleted' and e.created_at > ${at} and e.before ->> 'botId' = ${botId}) as "isGone"`
  return row?.isGone ?? false
}

export async function toGoldenViews(
  tx: Tx,
  botId: string,
  rows: GoldenRow[],
): Promise<GoldenQuestionView[]> {
  const ids = rows.flatMap(({ sourceId }) => (sourceId ? [sourceId] : []))
  const sources = await tx.source.findMany({
    where: { botId, id: { in: ids } },
    select: { id: true, title: true },
  })
  const titles = new Map(sources.map(({ id, title }) => [id, title]))
  return rows.map((row) => ({
    id: row.id,
    botId: row.botId,
    question: row.question,
    expects: toExpects(row.expects),
    sourceId: row.sourceId,
    sourceTitle: row.sourceId ? (titles.get(row.sourceId) ?? null) : null,
    phrase: row.phrase,
    provenance: row.provenance as GoldenQuestionView["provenance"],
    createdAt: row.createdAt.toISOString(),
  }))
}

export const toExpects = (text: string) => (text === "refusal" ? "refusal" : "answer")

export function toRunView(row: RunRow): RunView {
  const { tenantId: _, botId: __, createdAt, ...rest } = row
  return {
    ...rest,
    reason: row.reason as RunView["reason"],
    mode: row.mode as RunMode,
    outcome: row.outcome === "stopped" ? "stopped" : "kept",
    createdAt: createdAt.toISOString(),
  }
}

/** The bot's golden question; throws `not_found` for what is not there or not yours. */
export async function requireGolden(tx: Tx, questionId: string): Promise<GoldenRow> {
  const row = await tx.goldenQuestion.findFirst({ where: { id: questionId } })
  if (!row) throw fail("not_found")
  return row
}

const gapDays = 90
const gapQuestions = 500

/**
 * What visitors asked in the last 90 days and got no answer to, or one they disliked: groups of questions
 * that ask the same, most asked first. Previews and closed gaps are left out.
 */
export async function listGaps(scope: TenantScope, botId: string): Promise<GapView[]> {
  allow(scope, "conversations.read")
  const rows = await withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    return tx.$queryRaw<
      {
        messageId: string
        conversationId: string
        text: string
        isAnswered: boolean
        askedAt: Date
      }[]
    >`
      select a.id as "messageId", a.conversation_id as "conversationId", q.text,
        a.is_answered as "isAnswered", q.created_at as "askedAt"
      from public.messages a
      join public.conversations c on c.tenant_id = a.tenant_id and c.id = a.conversation_id
      join public.messages q on q.tenant_id = a.tenant_id and q.conversation_id = a.conversation_id
        and q.ordinal = a.ordinal - 1 and q.role = 'user'
      where c.tenant_id = ${scope.tenantId} and c.bot_id = ${botId} and c.kind <> 'preview'
        and a.role = 'assistant' and a.status = 'complete'
        and (not a.is_answered or a.feedback = 'down')
        and q.created_at > now() - make_interval(days => ${gapDays}::int)
        and not exists (select from public.closed_gap_messages m
          where m.tenant_id = a.tenant_id and m.message_id = a.id)
      order by q.created_at desc, a.id limit ${gapQuestions}::int`
  })
  const questions = rows.map(
    ({ isAnswered, askedAt, ...row }): GapQuestion => ({
      ...row,
      kind: isAnswered ? "thumbsDown" : "unanswered",
      askedAt: askedAt.toISOString(),
    }),
  )
  // From the oldest on, so that a new question joins a group and never changes who is in it.
  return groupQuestions(questions.toReversed())
    .map((group) => toGapView(group.toReversed()))
    .sort((a, b) => b.count - a.count || b.lastAskedAt.localeCompare(a.lastAskedAt))
}

/** `questions` newest first. */
function toGapView(questions: GapQuestion[]): GapView {
  const [newest] = questions
  const unanswered = questions.filter(({ kind }) => kind === "unanswered").length
  return {
    question: newest!.text.slice(0, 500),
    count: questions.length,
    unansweredCount: unanswered,
    thumbsDownCount: questions.length - unanswered,
    lastAskedAt: newest!.askedAt,
    questions,
  }
}

const shownClosed = 30

/** The gaps closed last, and whether the answer holds. */
export async function listClosedGaps(scope: TenantScope, botId: string): Promise<ClosedGapView[]> {
  allow(scope, "conversations.read")
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const rows = await tx.closedGap.findMany({
      where: { botId },
      orderBy: [{ closedAt: "desc" }, { id: "desc" }],
      take: shownClosed,
    })
    const links = await tx.closedGapMessage.groupBy({
      by: ["gapId"],
      where: { gapId: { in: rows.map(({ id }) => id) } },
      _count: true,
    })
    const counts = new Map(links.map(({ gapId, _count }) => [gapId, _count]))
    return rows.map((row) => toClosedGapView(row, counts.get(row.id) ?? 0))
  })
}

export type ClosedGapRow = NonNullable<Awaited<ReturnType<Tx["closedGap"]["findFirst"]>>>

export function toClosedGapView(row: ClosedGapRow, questionCount: number): ClosedGapView {
  return {
    id: row.id,
    question: row.question,
    outcome: row.outcome === "dismissed" ? "dismissed" : "answered",
    sourceId: row.sourceId,
    isFixed: row.isFixed,
    questionCount,
    closedAt: row.closedAt.toISOString(),
  }
}
