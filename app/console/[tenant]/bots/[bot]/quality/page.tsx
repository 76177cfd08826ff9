import type { Metadata } from "next"
import { GoldenBoard } from "#components/console/quality-golden.tsx"
import { QualityTabs } from "#components/console/quality-tabs.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { listSources } from "#lib/knowledge/queries.ts"
import { getQuality, listGaps } from "#lib/quality/queries.ts"
import { orNotFound } from "../../../../or-not-found.ts"
import {
  createGolden,
  deleteGolden,
  draftGolden,
  importGolden,
  runGolden,
  updateGolden,
} from "./actions.ts"

export const metadata: Metadata = { title: "Quality" }

type Props = { params: Promise<{ tenant: string; bot: string }> }

export default async function QualityPage({ params }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { scope } = await requireMember(tenantId)
  const [quality, gaps, sources] = await Promise.all([
    orNotFound(getQuality(scope, botId)),
    orNotFound(listGaps(scope, botId)),
    orNotFound(listSources(scope, botId, { limit: 200 })),
  ])
  return (
    <>
      <QualityTabs botId={botId} gapCount={gaps.length} />
      <GoldenBoard
        botId={botId}
        quality={quality}
        sources={sources.data.map(({ id, title }) => ({ id, title }))}
        actions={{ createGolden, deleteGolden, draftGolden, importGolden, runGolden, updateGolden }}
      />
    </>
  )
}
