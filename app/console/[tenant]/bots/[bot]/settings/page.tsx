import type { Metadata } from "next"
import { BotSettings } from "#components/console/bot-settings.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { getBot } from "#lib/bots/queries.ts"
import { orNotFound } from "../../../../or-not-found.ts"
import { deleteBot, updateBot } from "../actions.ts"

export const metadata: Metadata = { title: "Settings" }

type Props = { params: Promise<{ tenant: string; bot: string }> }

export default async function BotSettingsPage({ params }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { scope } = await requireMember(tenantId)
  const bot = await orNotFound(getBot(scope, botId))
  return <BotSettings bot={bot} actions={{ deleteBot, updateBot }} />
}
