import type { Metadata } from "next"
import { DailyChart } from "#components/console/daily-chart.tsx"
import { FigureTable } from "#components/console/figure-table.tsx"
import { formatCount } from "#components/console/format.ts"
import { formatMoney } from "#components/console/money.ts"
import { PageHeader } from "#components/console/page-header.tsx"
import { SpendNotice } from "#components/console/spend-notice.tsx"
import { Card } from "#components/ui/card.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { getCost, getUsage } from "#lib/billing/queries.ts"
import { listBots } from "#lib/bots/queries.ts"
import { getSpend, listKeySpend } from "#lib/chat/queries.ts"

export const metadata: Metadata = { title: "Usage" }

type Props = { params: Promise<{ tenant: string }> }

export default async function UsagePage({ params }: Props) {
  const { tenant: tenantId } = await params
  const { scope } = await requireMember(tenantId)
  const [{ days: rows }, cost, spend, tags, { data: bots }] = await Promise.all([
    getUsage(scope, { days: 30 }),
    getCost(scope, { days: 30 }),
    getSpend(scope),
    listKeySpend(scope),
    listBots(scope, { limit: 200 }),
  ])
  const money = (minor: number) => formatMoney(minor, spend.currency)
  const byDay = (pick: (row: (typeof rows)[number]) => number) =>
    lastDays(30).map((date) => ({
      date,
      value: rows.filter((row) => row.date === date).reduce((sum, row) => sum + pick(row), 0),
    }))
  const botIds = [...new Set([...bots.map((bot) => bot.id), ...rows.map((row) => row.botId)])]
  const byBot = botIds.map((botId) => {
    const own = rows.filter((row) => row.botId === botId)
    const sum = (pick: (row: (typeof rows)[number]) => number) =>
      own.reduce((total, row) => total + pick(row), 0)
    return {
      botId,
      name: bots.find((bot) => bot.id === botId)?.name ?? "A deleted bot",
      cost: cost.bots.find((one) => one.botId === botId)?.costMinor ?? 0,
      messages: sum((row) => row.messages),
      read: sum((row) => row.inputTokens),
      written: sum((row) => row.outputTokens),
    }
  })
  return (
    <>
      <PageHeader
        title="Usage"
        description="The last 30 days. Previews count too. Tokens are what a language model is billed by: about four letters each."
      />
      <div className="flex flex-col gap-6">
        <SpendNotice spend={spend} tenantId={tenantId} isOnUsage />
        <SpendCard spend={spend} />
        <div className="grid gap-6 lg:grid-cols-2">
          <Card>
            <DailyChart
              label="Cost"
              currency={spend.currency}
              total={cost.totalMinor}
              days={lastDays(30).map((date) => ({
                date,
                value: cost.days.find((day) => day.date === date)?.costMinor ?? 0,
              }))}
            />
          </Card>
          <Card>
            <DailyChart label="Answers" days={byDay((row) => row.messages)} />
          </Card>
        </div>
        <Card isFlush>
          <FigureTable
            label="Usage by bot"
            subject="Bot"
            columns={[
              { label: "Cost" },
              { label: "Answers" },
              { label: "Tokens read", short: "Read" },
              { label: "Tokens written", short: "Written" },
            ]}
            rows={byBot.map((row) => ({
              id: row.botId,
              name: <span className="font-medium">{row.name}</span>,
              figures: [
                money(row.cost),
                formatCount(row.messages),
                formatCount(row.read),
                formatCount(row.written),
              ],
            }))}
          />
        </Card>
        {tags.length > 0 ? (
          <Card
            title="What a stolen tag could cost"
            description="Anyone can copy a tag from your page. Its limits decide the most that can come of it in a day."
            isFlush
          >
            <FigureTable
              label="Tags"
              subject="Tag"
              columns={[
                { label: "This month" },
                { label: "Limit a month", short: "Limit" },
                { label: "Worst day" },
              ]}
              rows={tags.map((tag) => ({
                id: tag.id,
                name: (
                  <>
                    <span className="font-medium">{tag.name}</span>{" "}
                    <span className="font-mono text-13 text-quiet">…{tag.lastFour}</span>
                    {tag.isOn ? null : <span className="text-13 text-quiet"> Off</span>}
                  </>
                ),
                figures: [tag.spentMinor, tag.capMinor, tag.isOn ? tag.worstDayMinor : 0].map(
                  money,
                ),
              }))}
            />
          </Card>
        ) : null}
      </div>
    </>
  )
}

type SpendCardProps = { spend: Awaited<ReturnType<typeof getSpend>> }

function SpendCard({ spend }: SpendCardProps) {
  const { spentMinor, capMinor, currency, hasModel } = spend
  const share = capMinor > 0 ? Math.min(100, Math.round((spentMinor / capMinor) * 100)) : 100
  return (
    <Card>
      <p className="text-13 text-quiet">Spent this month</p>
      <p className="mt-1 flex flex-wrap items-baseline gap-x-2">
        <span className="text-28 font-semibold tabular-nums">
          {formatMoney(spentMinor, currency)}
        </span>
        <span className="text-quiet">of {formatMoney(capMinor, currency)}</span>
      </p>
      {/* The words above say it; the bar shows it. */}
      <div aria-hidden="true" className="mt-3 h-2 overflow-hidden rounded-full bg-hairline">
        <div
          className={share >= 80 ? "h-full bg-danger" : "h-full bg-action"}
          style={{ width: `${share}%` }}
        />
      </div>
      <p className="mt-3 text-13 text-quiet">
        {hasModel
          ? "At the limit your chats go on and quote your sources, which costs nothing."
          : "Your chats quote your sources and use no language model, which costs nothing."}
      </p>
    </Card>
  )
}

function lastDays(count: number): string[] {
  const today = Date.now()
  return Array.from({ length: count }, (_, index) =>
    new Date(today - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10),
  )
}
