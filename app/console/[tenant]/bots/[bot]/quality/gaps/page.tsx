import type { Metadata } from "next"
import { GapInbox } from "#components/console/quality-gaps.tsx"
import { QualityTabs } from "#components/console/quality-tabs.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { listClosedGaps, listGaps } from "#lib/quality/queries.ts"
import { orNotFound } from "../../../../../or-not-found.ts"
import { answerGap, dismissGap, retestGaps } from "../actions.ts"

export const metadata: Metadata = { title: "Gaps" }

type Props = { params: Promise<{ tenant: string; bot: string }> }

export default async function GapsPage({ params }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { scope } = await requireMember(tenantId)
  const [gaps, closed] = await Promise.all([
    orNotFound(listGaps(scope, botId)),
    orNotFound(listClosedGaps(scope, botId)),
  ])
  return (
    <>
      <QualityTabs botId={botId} gapCount={gaps.length} />
      <GapInbox
        botId={botId}
        gaps={gaps}
        closed={closed}
        actions={{ answerGap, dismissGap, retestGaps }}
      />
    </>
  )
}
