import { Celebration } from "#components/console/celebration.tsx"
import { DailyChart } from "#components/console/daily-chart.tsx"
import { FigureRow } from "#components/console/figure-row.tsx"
import { FirstRun } from "#components/console/first-run.tsx"
import { formatCompact } from "#components/console/format.ts"
import { LiveSites } from "#components/console/live-sites.tsx"
import { PublishNotice } from "#components/console/publish-notice.tsx"
import { routes } from "#components/console/routes.ts"
import { SpendNotice } from "#components/console/spend-notice.tsx"
import { Card } from "#components/ui/card.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { getBot } from "#lib/bots/queries.ts"
import { getSpend } from "#lib/chat/queries.ts"
import { getBotOverview, getChecklist } from "#lib/conversations/queries.ts"
import { listEmbedKeys, listSites } from "#lib/keys/queries.ts"
import { listSources } from "#lib/knowledge/queries.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { orNotFound } from "../../../or-not-found.ts"
import {
  addQuestion,
  addText,
  createKey,
  createPreviewTicket,
  updateBot,
  updateKey,
} from "./actions.ts"

type Props = { params: Promise<{ tenant: string; bot: string }> }

export default async function OverviewPage({ params }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { scope } = await requireMember(tenantId)
  const bot = await orNotFound(getBot(scope, botId))
  const [checklist, overview, keys] = await Promise.all([
    getChecklist(scope, botId),
    getBotOverview(scope, botId),
    listEmbedKeys(scope, botId),
  ])
  return (
    <>
      <Celebration seenOrigin={checklist.seen?.origin ?? null} />
      {checklist.seen === null ? (
        <FirstRun
          bot={bot}
          checklist={checklist}
          sources={(await listSources(scope, botId, { limit: 20 })).data}
          keys={keys.data}
          actions={{ addQuestion, addText, createKey, createPreviewTicket, updateBot, updateKey }}
        />
      ) : (
        <div className="flex flex-col gap-6">
          <PublishNotice bot={bot} updateBot={updateBot} />
          <SpendNotice spend={await getSpend(scope)} tenantId={tenantId} />
          <FigureRow figures={toFigures(overview, routes.conversations(tenantId, botId))} />
          <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
            <Card>
              <DailyChart
                label="Conversations"
                days={overview.days.map(({ date, conversations }) => ({
                  date,
                  value: conversations,
                }))}
              />
            </Card>
            <LiveSites sites={await readSites(scope, keys.data)} />
          </div>
        </div>
      )}
    </>
  )
}

function toFigures(overview: Awaited<ReturnType<typeof getBotOverview>>, inbox: string) {
  const { conversationCount, messageCount, answeredCount, unansweredCount } = overview
  const total = answeredCount + unansweredCount
  return [
    {
      label: "Conversations",
      value: formatCompact(conversationCount),
      note: "in 30 days",
      href: inbox,
    },
    { label: "Questions", value: formatCompact(messageCount), note: "in 30 days" },
    {
      label: "Answered",
      value: formatCompact(answeredCount),
      note: total > 0 ? `${Math.round((answeredCount / total) * 100)} % of answers` : "none yet",
    },
    {
      label: "Not answered",
      value: formatCompact(unansweredCount),
      note: unansweredCount > 0 ? "add a source for these" : "no gaps found",
      href: `${inbox}?filter=unanswered`,
    },
  ]
}

async function readSites(scope: TenantScope, keys: { id: string; mode: "live" | "test" }[]) {
  const lists = await Promise.all(
    keys.map(async (key) =>
      (await listSites(scope, key.id)).map((site) => ({ ...site, isTest: key.mode === "test" })),
    ),
  )
  return lists.flat().sort((a, b) => (b.lastSeenAt ?? "").localeCompare(a.lastSeenAt ?? ""))
}
