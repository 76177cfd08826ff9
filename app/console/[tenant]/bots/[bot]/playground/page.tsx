import type { Metadata } from "next"
import { Playground } from "#components/console/playground.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { getBot } from "#lib/bots/queries.ts"
import { hasAnswerModel } from "#lib/quality/queries.ts"
import { orNotFound } from "../../../../or-not-found.ts"
import { createPreviewTicket } from "../actions.ts"
import { saveGolden, tryQuestion } from "./actions.ts"

export const metadata: Metadata = { title: "Playground" }

type Props = { params: Promise<{ tenant: string; bot: string }> }

export default async function PlaygroundPage({ params }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { scope } = await requireMember(tenantId)
  const bot = await orNotFound(getBot(scope, botId))
  return (
    <Playground
      bot={bot}
      hasModel={await hasAnswerModel(scope)}
      actions={{ createPreviewTicket, saveGolden, tryQuestion }}
    />
  )
}
