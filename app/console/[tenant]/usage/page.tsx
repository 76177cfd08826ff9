import type { Metadata } from "next"
import { DailyChart } from "#components/console/daily-chart.tsx"
import { formatCount } from "#components/console/format.ts"
import { PageHeader } from "#components/console/page-header.tsx"
import { Card } from "#components/ui/card.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { getUsage } from "#lib/billing/queries.ts"
import { listBots } from "#lib/bots/queries.ts"

export const metadata: Metadata = { title: "Usage" }

type Props = { params: Promise<{ tenant: string }> }

export default async function UsagePage({ params }: Props) {
  const { tenant: tenantId } = await params
  const { scope } = await requireMember(tenantId)
  const [{ days: rows }, { data: bots }] = await Promise.all([
    getUsage(scope, { days: 30 }),
    listBots(scope, { limit: 200 }),
  ])
  const days = lastDays(30).map((date) => ({
    date,
    value: rows.filter((row) => row.date === date).reduce((sum, row) => sum + row.messages, 0),
  }))
  const botIds = [...new Set([...bots.map((bot) => bot.id), ...rows.map((row) => row.botId)])]
  const byBot = botIds.map((botId) => {
    const own = rows.filter((row) => row.botId === botId)
    const sum = (pick: (row: (typeof rows)[number]) => number) =>
      own.reduce((total, row) => total + pick(row), 0)
    return {
      botId,
      name: bots.find((bot) => bot.id === botId)?.name ?? "A deleted bot",
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
        <Card>
          <DailyChart label="Answers" days={days} />
        </Card>
        <Card isFlush>
          <Table
            label="Usage by bot"
            head={[
              "Bot",
              { label: "Answers", align: "end" },
              { label: "Tokens read", align: "end" },
              { label: "Tokens written", align: "end" },
            ]}
          >
            {byBot.map((row) => (
              <Row key={row.botId}>
                <Cell className="font-medium wrap-anywhere max-sm:basis-full sm:min-w-32">
                  {row.name}
                </Cell>
                <Cell label="Answers" className="tabular-nums sm:text-end">
                  {formatCount(row.messages)}
                </Cell>
                <Cell label="Read" className="tabular-nums sm:text-end">
                  {formatCount(row.read)}
                </Cell>
                <Cell label="Written" className="tabular-nums sm:text-end">
                  {formatCount(row.written)}
                </Cell>
              </Row>
            ))}
          </Table>
        </Card>
      </div>
    </>
  )
}

function lastDays(count: number): string[] {
  const today = Date.now()
  return Array.from({ length: count }, (_, index) =>
    new Date(today - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10),
  )
}
