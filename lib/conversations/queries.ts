import { requireBot } from "#lib/bots/queries.ts"
import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { olderThan, type Page, type PageInput, toPage } from "#lib/tenancy/page.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope, VisitorScope } from "#lib/tenancy/scope.ts"
import type {
  BotOverview,
  Checklist,
  Citation,
  ConversationFilter,
  ConversationThread,
  ConversationView,
  MessageStatus,
  MessageView,
  VisitorMessage,
} from "./schema.ts"
import { showMessages } from "./visible.ts"

export type ConversationRow = NonNullable<Awaited<ReturnType<Tx["conversation"]["findFirst"]>>>
export type MessageRow = NonNullable<Awaited<ReturnType<Tx["message"]["findFirst"]>>>

/** An answer nobody has written to for this long was cut by a crash: its process cannot say so itself. */
const abandonedAfterMs = 60_000

export function toMessageView(row: MessageRow): MessageView {
  const isAbandoned =
    row.status === "streaming" && Date.now() - row.updatedAt.getTime() > abandonedAfterMs
  return {
    id: row.id,
    role: row.role === "assistant" ? "assistant" : "user",
    text: row.text,
    status: isAbandoned ? "interrupted" : (row.status as MessageStatus),
    isAnswered: row.isAnswered,
    citations: (row.citations as Citation[]).map((each) => ({
      ...each,
      // Answers from before there was a choice.
      visibility: each.visibility ?? "link",
    })),
    feedback: row.feedback === "up" || row.feedback === "down" ? row.feedback : null,
    createdAt: row.createdAt.toISOString(),
  }
}

function toConversationView(row: ConversationRow): ConversationView {
  return {
    id: row.id,
    botId: row.botId,
    origin: row.origin,
    pageUrl: row.pageUrl,
    language: row.language,
    device: row.device,
    messageCount: row.messageCount,
    isUnanswered: row.isUnanswered,
    preview: row.preview,
    createdAt: row.createdAt.toISOString(),
    lastMessageAt: row.lastMessageAt.toISOString(),
  }
}

/** Conversations of visitors (never members' own previews), latest message first. */
export async function listConversations(
  scope: TenantScope,
  {
    botId,
    filter = "all",
    ...page
  }: PageInput & { botId?: string | undefined; filter?: ConversationFilter | undefined } = {},
): Promise<Page<ConversationView>> {
  allow(scope, "conversations.read")
  const limit = page.limit ?? 50
  const rows = await withTenant(scope, (tx) =>
    tx.conversation.findMany({
      where: {
        kind: { not: "preview" },
        ...(botId ? { botId } : {}),
        ...(filter === "unanswered" ? { isUnanswered: true } : {}),
        ...(filter === "thumbs_down" ? { isThumbsDown: true } : {}),
        ...olderThan("lastMessageAt", page.cursor),
      },
      orderBy: [{ lastMessageAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    }),
  )
  return toPage(rows, limit, (row) => row.lastMessageAt, toConversationView)
}

/** One conversation with its messages in order; throws `not_found`. */
export async function getConversation(
  scope: TenantScope,
  conversationId: string,
): Promise<ConversationThread> {
  allow(scope, "conversations.read")
  return withTenant(scope, async (tx) => {
    const row = await tx.conversation.findFirst({ where: { id: conversationId } })
    if (!row) throw fail("not_found")
    return { ...toConversationView(row), messages: await readMessages(tx, row.id) }
  })
}

async function readMessages(tx: Tx, conversationId: string): Promise<MessageView[]> {
  const rows = await tx.message.findMany({
    where: { conversationId },
    orderBy: { ordinal: "desc" },
    take: 400,
  })
  return rows.reverse().map(toMessageView)
}

export type Transcript = { id: string | null; messages: VisitorMessage[] }

/** The visitor's own conversation; `id` is null before the first message. */
export async function getTranscript(scope: VisitorScope): Promise<Transcript> {
  allow(scope, "chat.read")
  return withTenant(scope, async (tx) => {
    const row = await tx.conversation.findFirst({ orderBy: { createdAt: "desc" } })
    return row
      ? { id: row.id, messages: await showMessages(tx, await readMessages(tx, row.id)) }
      : { id: null, messages: [] }
  })
}

const dayMs = 86_400_000

/** The last 30 UTC days of a bot: how much it was asked and how often it knew. */
export async function getBotOverview(scope: TenantScope, botId: string): Promise<BotOverview> {
  allow(scope, "conversations.read")
  const today = new Date(new Date().toISOString().slice(0, 10)).getTime()
  const from = new Date(today - 29 * dayMs)
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const rows = await tx.$queryRaw<
      {
        date: string
        conversations: number
        messages: number
        answered: number
        unanswered: number
      }[]
    >`
      select to_char(m.created_at at time zone 'UTC', 'YYYY-MM-DD') as date,
        count(distinct m.conversation_id)::int as conversations,
        count(*) filter (where m.role = 'user')::int as messages,
        count(*) filter (where m.role = 'assistant' and m.status = 'complete' and m.is_answered)::int as answered,
        count(*) filter (where m.role = 'assistant' and m.status = 'complete' and not m.is_answered)::int as unanswered
      from public.messages m
      join public.conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
      where c.tenant_id = ${scope.tenantId} and c.bot_id = ${botId} and c.kind <> 'preview'
        and m.created_at >= ${from}
      group by 1`
    const conversationCount = await tx.conversation.count({
      where: { botId, kind: { not: "preview" }, lastMessageAt: { gte: from } },
    })
    const days = Array.from({ length: 30 }, (_, i) => {
      const date = new Date(from.getTime() + i * dayMs).toISOString().slice(0, 10)
      const row = rows.find((r) => r.date === date)
      return { date, conversations: row?.conversations ?? 0, messages: row?.messages ?? 0 }
    })
    const sum = (pick: (row: (typeof rows)[number]) => number) =>
      rows.reduce((n, r) => n + pick(r), 0)
    return {
      conversationCount,
      messageCount: sum((r) => r.messages),
      answeredCount: sum((r) => r.answered),
      unansweredCount: sum((r) => r.unanswered),
      days,
    }
  })
}

/** What is left until the bot is live. */
export async function getChecklist(scope: TenantScope, botId: string): Promise<Checklist> {
  allow(scope, "bots.read")
  return withTenant(scope, async (tx) => {
    const bot = await requireBot(tx, botId)
    const links = await tx.embedKeyBot.findMany({ where: { botId } })
    const keys = await tx.embedKey.findMany({
      where: { id: { in: links.map((link) => link.keyId) }, purpose: "site" },
    })
    const keyId = { in: keys.map((key) => key.id) }
    const site = await tx.site.findFirst({ where: { keyId }, orderBy: { lastSeenAt: "desc" } })
    return {
      isNamed: bot.isNamed,
      hasSource: (await tx.source.count({ where: { botId, status: "ready" } })) > 0,
      hasQuestion: (await tx.conversation.count({ where: { botId } })) > 0,
      hasSite: (await tx.embedKeyOrigin.count({ where: { keyId } })) > 0,
      seen: site ? { origin: site.origin, at: site.lastSeenAt.toISOString() } : null,
    }
  })
}
