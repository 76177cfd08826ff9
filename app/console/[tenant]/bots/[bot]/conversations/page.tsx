import type { Metadata } from "next"
import { Inbox } from "#components/console/inbox.tsx"
import { routes } from "#components/console/routes.ts"
import { requireMember } from "#lib/auth/session.ts"
import { getBot } from "#lib/bots/queries.ts"
import { listConversations } from "#lib/conversations/queries.ts"
import { conversationFilters } from "#lib/conversations/schema.ts"
import { orNotFound } from "../../../../or-not-found.ts"

export const metadata: Metadata = { title: "Conversations" }

type Props = {
  params: Promise<{ tenant: string; bot: string }>
  searchParams: Promise<{ filter?: string | string[]; cursor?: string | string[] }>
}

export default async function ConversationsPage({ params, searchParams }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const query = await searchParams
  const { scope } = await requireMember(tenantId)
  await orNotFound(getBot(scope, botId))
  const filter = conversationFilters.find((one) => one === query.filter) ?? "all"
  const cursor = typeof query.cursor === "string" ? query.cursor : undefined
  const { data, nextCursor } = await listConversations(scope, { botId, filter, cursor })
  return (
    <Inbox
      base={routes.conversations(tenantId, botId)}
      embedHref={routes.embed(tenantId, botId)}
      filter={filter}
      conversations={data}
      nextCursor={nextCursor}
      opened={null}
    />
  )
}
