import type { Metadata } from "next"
import { notFound } from "next/navigation"
import { Inbox } from "#components/console/inbox.tsx"
import { routes } from "#components/console/routes.ts"
import { requireMember } from "#lib/auth/session.ts"
import { getConversation, listConversations } from "#lib/conversations/queries.ts"
import { conversationFilters } from "#lib/conversations/schema.ts"
import { orNotFound } from "../../../../../or-not-found.ts"

export const metadata: Metadata = { title: "Conversation" }

type Props = {
  params: Promise<{ tenant: string; bot: string; conversation: string }>
  searchParams: Promise<{ filter?: string | string[] }>
}

export default async function ConversationPage({ params, searchParams }: Props) {
  const { tenant: tenantId, bot: botId, conversation: conversationId } = await params
  const query = await searchParams
  const { scope } = await requireMember(tenantId)
  const filter = conversationFilters.find((one) => one === query.filter) ?? "all"
  const [opened, { data, nextCursor }] = await Promise.all([
    orNotFound(getConversation(scope, conversationId)),
    listConversations(scope, { botId, filter }),
  ])
  if (opened.botId !== botId) notFound()
  return (
    <Inbox
      base={routes.conversations(tenantId, botId)}
      embedHref={routes.embed(tenantId, botId)}
      filter={filter}
      conversations={data}
      nextCursor={nextCursor}
      opened={opened}
    />
  )
}
