import type { Metadata } from "next"
import { EmbedBoard } from "#components/console/embed-board.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { getBot } from "#lib/bots/queries.ts"
import { listEmbedKeys, listRefusals, listSites } from "#lib/keys/queries.ts"
import { orNotFound } from "../../../../or-not-found.ts"
import { createKey, createPreviewTicket, deleteKey, updateBot, updateKey } from "../actions.ts"

export const metadata: Metadata = { title: "Embed" }

type Props = { params: Promise<{ tenant: string; bot: string }> }

export default async function EmbedPage({ params }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { scope } = await requireMember(tenantId)
  const bot = await orNotFound(getBot(scope, botId))
  const { data: keys } = await listEmbedKeys(scope, botId)
  const entries = await Promise.all(
    keys.map(async (key) => ({
      key,
      sites: await listSites(scope, key.id),
      refusals: await listRefusals(scope, key.id),
    })),
  )
  return (
    <EmbedBoard
      bot={bot}
      entries={entries}
      actions={{ createKey, createPreviewTicket, deleteKey, updateBot, updateKey }}
    />
  )
}
