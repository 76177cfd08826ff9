import { recordUsage, type Usage } from "#lib/billing/commands.ts"
import { stripHidden } from "#lib/chat/prompt.ts"
import { Failure, fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import {
  hashAddress,
  leastShare,
  messagesOf,
  secondsLeftToday,
  takeFromCounter,
  takeMessage,
  utcDay,
} from "#lib/limits/counters.ts"
import { findHolder } from "#lib/limits/holder.ts"
import { limitHeaders } from "#lib/limits/rates.ts"
import type { KeyLimits } from "#lib/limits/schema.ts"
import { type Reservation, settleSpend } from "#lib/limits/spend.ts"
import { leaseSeconds } from "#lib/limits/streams.ts"
import { passesMark, raiseInUnusualHour } from "#lib/limits/unusual-hour.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { countRefusal } from "#lib/tenancy/directory.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { toStorable } from "#lib/text.ts"
import { findCall } from "#lib/tools/calls.ts"
import { type ConversationRow, type MessageRow, toMessageView } from "./queries.ts"
import type { ChatInput, Citation, VisitorMessage } from "./schema.ts"
import { showMessages } from "./visible.ts"

// Guarantees: once beginTurn returns, the visitor's message is on disk and counted once, however often
// it is retried; one answer a session is written at a time; no transaction is open while a model talks.

export type Turn = {
  conversationId: string
  question: string
  userMessageId: string
  answerId: string
  /** Earlier messages, oldest first, without this question. */
  history: { role: "user" | "assistant"; text: string }[]
  bot: { name: string; instructions: string; locale: string | null }
  /** Set when the visitor decides about a call that waits instead of asking. */
  confirm: { callId: string; isApproved: boolean } | null
  /** The finished answer, when this message was already answered: nothing is left to do. */
  finished: VisitorMessage | null
}

const historyMessages = 8

/**
 * Takes the session's one stream, stores the question and an empty answer, and counts the message. Throws
 * `in_progress` (this very message is being answered), `stream_limit`, `day_limit`.
 */
export async function beginTurn(
  scope: VisitorScope,
  input: ChatInput,
  limits: KeyLimits,
): Promise<Turn> {
  allow(scope, "chat.send")
  const { message: text, clientMessageId } = await readMessage(scope, input)
  if (text.length > limits.messageChars) {
    const message = `Keep the message under ${limits.messageChars.toLocaleString("en")} characters.`
    throw fail("invalid", { detail: message, issues: [{ path: "message", message }] })
  }
  const asked = { message: text, clientMessageId, confirm: input.confirm ?? null }
  return storeTurn(scope, asked, limits).catch(async (error: unknown) => {
    // Once the transaction is over: asking for a second connection inside it starves the pool.
    if (error instanceof Failure && error.code === "day_limit")
      await countRefusal(scope.visitor.keyId, "day_limit", scope.visitor.origin)
    throw error
  })
}

type Asked = { message: string; clientMessageId: string; confirm: Turn["confirm"] }

/** A decision is a message too: counted, kept, and the same one however often it is sent. */
async function readMessage(scope: VisitorScope, input: ChatInput) {
  const { message, confirm } = input
  if (!confirm) {
    // What hides in a text from whoever reads it in the console is not kept.
    const text = stripHidden(message ?? "")
    if (text.trim() === "")
      throw fail("invalid", { issues: [{ path: "message", message: "Write a question first." }] })
    return { message: text, clientMessageId: input.clientMessageId ?? newId("message") }
  }
  const { name } = await findCall(scope, confirm.callId)
  return {
    message: `${confirm.isApproved ? "✓" : "✗"} ${name.replaceAll("_", " ")}`,
    clientMessageId: `confirm:${confirm.callId}`,
  }
}

async function storeTurn(scope: VisitorScope, input: Asked, limits: KeyLimits): Promise<Turn> {
  const { clientMessageId } = input
  // Before the transaction: it may ask for a connection of its own.
  const holder = await findHolder()
  return withTenant(scope, async (tx) => {
    // Two keys on one page are two sessions of one visitor, and write to one conversation.
    await tx.$queryRaw`select id from public.visitors where id = ${scope.visitor.visitorId} for update`
    await takeStream(tx, scope, { clientMessageId, holder })
    const bot = await tx.bot.findFirst({ where: { id: scope.visitor.botId } })
    if (!bot) throw fail("unauthorized")
    const conversation =
      (await tx.conversation.findFirst({ orderBy: { createdAt: "desc" } })) ??
      (await startConversation(tx, scope))
    const day = { limits, limitNote: bot.limitNote }
    const asked = await tx.message.findFirst({
      where: { conversationId: conversation.id, role: "user", clientMessageId },
    })
    const { question, answer } = asked
      ? await resumeQuestion(tx, scope, { conversation, question: asked }, day)
      : await storeQuestion(tx, scope, conversation, input, day)
    const isFinished = answer.status === "complete"
    const [finished = null] = isFinished ? await showMessages(tx, [toMessageView(answer)]) : []
    if (finished) await releaseStream(tx, scope)
    return {
      conversationId: conversation.id,
      question: question.text,
      userMessageId: question.id,
      answerId: answer.id,
      history: await readHistory(tx, conversation.id, question.ordinal),
      bot: { name: bot.name, instructions: bot.instructions, locale: bot.locale },
      confirm: input.confirm,
      finished,
    }
  })
}

/** The session row is the lock: it serialises a session's turns and carries the lease. */
async function takeStream(
  tx: Tx,
  scope: VisitorScope,
  { clientMessageId, holder }: { clientMessageId: string; holder: number | null },
) {
  const take = async () => {
    const taken = await tx.$queryRaw<{ id: string }[]>`
      update public.sessions
      set streaming_until = now() + make_interval(secs => ${leaseSeconds}), streaming_by = ${holder}
      where id = ${scope.visitor.sessionId} and (streaming_until is null or streaming_until < now())
      returning id`
    return taken.length === 1
  }
  if (await take()) return
  // The process that was writing may be gone: a retry right after a crash must not wait for its lease.
  await tx.$queryRaw`select limits.free_gone_streams()`
  if (await take()) return
  const twin = await tx.message.findFirst({ where: { role: "user", clientMessageId } })
  throw fail(twin ? "in_progress" : "stream_limit", {
    headers: limitHeaders({ limit: 1, retryAfterSeconds: 2 }),
  })
}

async function releaseStream(tx: Tx, scope: VisitorScope) {
  await tx.session.updateMany({
    where: { id: scope.visitor.sessionId },
    data: { streamingUntil: null },
  })
}

async function startConversation(tx: Tx, scope: VisitorScope): Promise<ConversationRow> {
  const session = await tx.session.findFirst({ where: { id: scope.visitor.sessionId } })
  return tx.conversation.create({
    data: {
      id: newId("conversation"),
      tenantId: scope.tenantId,
      botId: scope.visitor.botId,
      visitorId: scope.visitor.visitorId,
      keyId: scope.visitor.keyId,
      kind: scope.visitor.kind,
      origin: scope.visitor.origin,
      pageUrl: session?.pageUrl ?? null,
      pageTitle: session?.pageTitle ?? null,
      language: session?.language ?? null,
      device: session?.device ?? null,
    },
  })
}

/** What a day allows, and the owner's words for when it is over. */
type Day = { limits: KeyLimits; limitNote: string }

type Exchange = { question: MessageRow; answer: MessageRow }

/** A cut line may be retried so often before a retry counts as a message of its own. */
const freeAttempts = 3

/** A retry: the stored question, and its answer, set back to empty unless it is complete. */
async function resumeQuestion(
  tx: Tx,
  scope: VisitorScope,
  { conversation, question }: { conversation: ConversationRow; question: MessageRow },
  day: Day,
): Promise<Exchange> {
  const answer = await tx.message.findFirst({
    where: { conversationId: conversation.id, ordinal: question.ordinal + 1, role: "assistant" },
  })
  if (!answer) throw fail("conflict")
  if (answer.status === "complete") return { question, answer }
  if (answer.attempts >= freeAttempts) await takeFromDay(tx, scope, day)
  const again = { status: "streaming", text: "", citations: [], attempts: answer.attempts + 1 }
  return { question, answer: await tx.message.update({ where: { id: answer.id }, data: again }) }
}

async function storeQuestion(
  tx: Tx,
  scope: VisitorScope,
  conversation: ConversationRow,
  input: Asked,
  day: Day,
): Promise<Exchange> {
  await takeFromDay(tx, scope, day)
  const ordinal = conversation.messageCount + 1
  const common = {
    tenantId: scope.tenantId,
    conversationId: conversation.id,
    visitorId: scope.visitor.visitorId,
    clientMessageId: input.clientMessageId,
  }
  const question = await tx.message.create({
    data: {
      ...common,
      id: newId("message"),
      ordinal,
      role: "user",
      text: input.message,
      status: "complete",
    },
  })
  const answer = await tx.message.create({
    data: {
      ...common,
      id: newId("message"),
      ordinal: ordinal + 1,
      role: "assistant",
      text: "",
      status: "streaming",
    },
  })
  await tx.conversation.update({
    where: { id: conversation.id },
    data: {
      messageCount: ordinal + 1,
      preview: input.message.slice(0, 200),
      lastMessageAt: new Date(),
    },
  })
  return { question, answer }
}

/**
 * Exact: the key's budget for the UTC day, of which one address gets at most its share. Half of it gone in an
 * unusual hour raises the bot check.
 */
async function takeFromDay(tx: Tx, scope: VisitorScope, { limits, limitNote }: Day) {
  const { messagesPerDay, messagesPerDayPerIpPercent } = limits
  const { keyId } = scope.visitor
  const used = await takeMessage(tx, scope, { keyId, limit: messagesPerDay })
  const share = {
    name: `${messagesOf(keyId)}:${hashAddress(keyId, scope.actor.ip)}`,
    period: utcDay(),
    limit: Math.max(leastShare, Math.ceil((messagesPerDay * messagesPerDayPerIpPercent) / 100)),
  }
  if (used !== null && (await takeFromCounter(tx, scope, share))) {
    if (passesMark(BigInt(used - 1), BigInt(used), BigInt(messagesPerDay)))
      await raiseInUnusualHour(tx, scope, "messages")
    return
  }
  throw fail("day_limit", {
    ...(limitNote ? { detail: limitNote } : {}),
    headers: limitHeaders({
      limit: messagesPerDay,
      windowSeconds: 86_400,
      retryAfterSeconds: secondsLeftToday(),
    }),
  })
}

async function readHistory(
  tx: Tx,
  conversationId: string,
  before: number,
): Promise<Turn["history"]> {
  const rows = await tx.message.findMany({
    where: { conversationId, ordinal: { lt: before }, status: { in: ["complete", "interrupted"] } },
    orderBy: { ordinal: "desc" },
    take: historyMessages,
  })
  return rows
    .reverse()
    .filter((row) => row.text !== "")
    .map((row) => ({
      role: row.role === "assistant" ? "assistant" : "user",
      text: row.text.slice(0, 2_000),
    }))
}

export type FinishedAnswer = {
  text: string
  status: "complete" | "interrupted" | "failed"
  mode: "model" | "quotes" | "none"
  isAnswered: boolean
  citations: Citation[]
  spend: { usage: Usage; reservation: Reservation } | null
}

/** Stores the answer as far as it came, books what it used, and frees the session's stream. */
export async function finishTurn(
  scope: VisitorScope,
  turn: Turn,
  answer: FinishedAnswer,
): Promise<void> {
  await withTenant(scope, async (tx) => {
    const { count } = await tx.message.updateMany({
      where: { id: turn.answerId },
      data: {
        // A model may write what Postgres cannot hold.
        text: toStorable(answer.text),
        status: answer.status,
        mode: answer.mode,
        isAnswered: answer.isAnswered,
        citations: answer.citations,
      },
    })
    await releaseStream(tx, scope)
    if (answer.spend) {
      const { usage, reservation } = answer.spend
      const costNanos = await settleSpend(tx, scope, reservation, usage.costNanos)
      await recordUsage(tx, scope, { ...usage, costNanos, messageId: turn.answerId })
    }
    // Nothing left to note on when the visitor asked to be forgotten meanwhile.
    if (count === 0) return
    await tx.conversation.updateMany({
      where: { id: turn.conversationId },
      data: { isUnanswered: !answer.isAnswered, lastMessageAt: new Date() },
    })
  })
}
