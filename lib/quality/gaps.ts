import { record } from "#lib/audit/record.ts"
import { requireBot } from "#lib/bots/queries.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { addQuestionSource } from "#lib/knowledge/add-sources.ts"
import { ingestSource } from "#lib/knowledge/ingest.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { checkHeld } from "./held.ts"
import { type ClosedGapRow, toClosedGapView } from "./queries.ts"
import { askGoldenQuestion } from "./run.ts"
import {
  type AnswerGapInput,
  answerGapInput,
  type ClosedGapView,
  maxGoldenQuestions,
} from "./schema.ts"

/**
 * Answers a gap once and for all: the answer becomes a source, the question a golden one that expects it,
 * the gap is closed, and the question is asked again as a visitor would. `isFixed` is null when the answer
 * is still being read: `retestGaps` tells later.
 */
export async function answerGap(
  scope: TenantScope,
  botId: string,
  input: AnswerGapInput,
): Promise<ClosedGapView> {
  allow(scope, "knowledge.write")
  allow(scope, "conversations.write")
  const { messageIds, question, answer } = answerGapInput.parse(input)
  await withTenant(scope, (tx) => requireOpenMessages(tx, scope, botId, messageIds))
  const source = await addQuestionSource(scope, botId, { question, answer })
  const gapId = await withTenant(scope, async (tx) => {
    const questionId = await keepAsGolden(tx, scope, { botId, question, sourceId: source.id })
    const outcome = { outcome: "answered", sourceId: source.id, questionId } as const
    const gap = await closeGap(tx, scope, { botId, question, messageIds, ...outcome })
    await record(tx, scope, {
      action: "gap.answered",
      target: gap.id,
      after: { botId, question, sourceId: source.id, count: messageIds.length },
    })
    return gap.id
  })
  // Here and now: the owner waits for the proof. Where the worker was quicker, it is asked for again.
  await ingestSource(source.id)
  await checkHeld(scope, botId)
  await retestGaps(scope, botId)
  return withTenant(scope, async (tx) => {
    const row = await tx.closedGap.findFirst({ where: { id: gapId } })
    if (!row) throw fail("not_found")
    return toClosedGapView(row, messageIds.length)
  })
}

/** Closes a gap that needs no answer. Asked again later, it comes back as a new one. */
export async function dismissGap(
  scope: TenantScope,
  botId: string,
  messageIds: string[],
): Promise<ClosedGapView> {
  allow(scope, "conversations.write")
  return withTenant(scope, async (tx) => {
    const texts = await requireOpenMessages(tx, scope, botId, messageIds)
    const question = (texts[0] ?? "").slice(0, 500)
    const none = { outcome: "dismissed", sourceId: null, questionId: null } as const
    const gap = await closeGap(tx, scope, { botId, question, messageIds, ...none })
    await record(tx, scope, { action: "gap.dismissed", target: gap.id, after: { botId, question } })
    return toClosedGapView(gap, messageIds.length)
  })
}

/** Asks the questions of answered gaps again whose answers are readable by now. Returns how many. */
export async function retestGaps(scope: TenantScope, botId: string): Promise<number> {
  allow(scope, "knowledge.write")
  const waiting = await withTenant(scope, async (tx) => {
    const bot = await requireBot(tx, botId)
    const gaps = await tx.closedGap.findMany({
      where: { botId, outcome: "answered", retestedAt: null },
      orderBy: { closedAt: "asc" },
      take: 20,
    })
    const sourceIds = gaps.flatMap(({ sourceId }) => sourceId ?? [])
    const ready = await tx.source.findMany({
      where: { id: { in: sourceIds }, status: "ready" },
      select: { id: true },
    })
    const isReady = new Set(ready.map(({ id }) => id))
    return { bot, gaps: gaps.filter(({ sourceId }) => sourceId && isReady.has(sourceId)) }
  })
  const { id, name, locale, instructions } = waiting.bot
  for (const gap of waiting.gaps) {
    const golden = await withTenant(scope, (tx) =>
      tx.goldenQuestion.findFirst({ where: { id: gap.questionId ?? "" } }),
    )
    const expected = golden ?? toGolden(gap)
    const bot = { id, name, locale, instructions }
    const { isPassed } = await askGoldenQuestion(scope, bot, expected, "quotes")
    await withTenant(scope, (tx) =>
      tx.closedGap.updateMany({
        where: { id: gap.id },
        data: { isFixed: isPassed, retestedAt: new Date() },
      }),
    )
  }
  return waiting.gaps.length
}

/** A gap whose golden question was deleted, or never made, still expects its own answer. */
function toGolden({ id, tenantId, botId, question, sourceId, closedAt }: ClosedGapRow) {
  const times = { createdAt: closedAt, updatedAt: closedAt }
  const what = { question, expects: "answer", sourceId, phrase: null, provenance: "gap" }
  return { id, tenantId, botId, ...what, ...times }
}

/** The texts of the questions, newest first. Throws `not_found` unless all are this bot's and still open. */
async function requireOpenMessages(
  tx: Tx,
  scope: TenantScope,
  botId: string,
  messageIds: string[],
): Promise<string[]> {
  await requireBot(tx, botId)
  const distinct = [...new Set(messageIds)]
  const rows = await tx.$queryRaw<{ text: string }[]>`
    select q.text
    from public.messages a
    join public.conversations c on c.tenant_id = a.tenant_id and c.id = a.conversation_id
    join public.messages q on q.tenant_id = a.tenant_id and q.conversation_id = a.conversation_id
      and q.ordinal = a.ordinal - 1 and q.role = 'user'
    where a.tenant_id = ${scope.tenantId} and c.bot_id = ${botId} and a.id = any (${distinct}::text[])
      and not exists (select from public.closed_gap_messages m
        where m.tenant_id = a.tenant_id and m.message_id = a.id)
    order by q.created_at desc`
  if (rows.length !== distinct.length) throw fail("not_found")
  return rows.map(({ text }) => text)
}

async function keepAsGolden(
  tx: Tx,
  scope: TenantScope,
  { botId, question, sourceId }: { botId: string; question: string; sourceId: string },
): Promise<string | null> {
  const twin = await tx.goldenQuestion.findFirst({ where: { botId, question } })
  const expected = { expects: "answer", sourceId, phrase: null }
  if (twin) {
    await tx.goldenQuestion.update({ where: { id: twin.id }, data: expected })
    return twin.id
  }
  if ((await tx.goldenQuestion.count({ where: { botId } })) >= maxGoldenQuestions) return null
  const { tenantId } = scope
  const row = await tx.goldenQuestion.create({
    data: { id: newId("golden"), tenantId, botId, question, ...expected, provenance: "gap" },
  })
  return row.id
}

type NewGap = {
  botId: string
  question: string
  messageIds: string[]
  outcome: "answered" | "dismissed"
  sourceId: string | null
  questionId: string | null
}

async function closeGap(
  tx: Tx,
  scope: TenantScope,
  { messageIds, ...gap }: NewGap,
): Promise<ClosedGapRow> {
  const { tenantId } = scope
  const row = await tx.closedGap.create({ data: { id: newId("gap"), tenantId, ...gap } })
  await tx.closedGapMessage.createMany({
    data: [...new Set(messageIds)].map((messageId) => ({ tenantId, messageId, gapId: row.id })),
    skipDuplicates: true,
  })
  return row
}
