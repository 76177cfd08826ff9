import type { Metadata } from "next"
import Link from "next/link"
import { formatNumber } from "#components/console/format.ts"
import { NewBotDialog } from "#components/console/new-bot-dialog.tsx"
import { PageHeader } from "#components/console/page-header.tsx"
import { routes } from "#components/console/routes.ts"
import { sortBots } from "#components/console/sort-bots.ts"
import { SpendNotice } from "#components/console/spend-notice.tsx"
import { Badge } from "#components/ui/badge.tsx"
import { ButtonLink } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { listBots } from "#lib/bots/queries.ts"
import { getSpend } from "#lib/chat/queries.ts"
import { getBotOverview } from "#lib/conversations/queries.ts"
import { createBot } from "./actions.ts"

export const metadata: Metadata = { title: "Bots" }

type Props = { params: Promise<{ tenant: string }> }

export default async function BotsPage({ params }: Props) {
  const { tenant: tenantId } = await params
  const { scope, tenant } = await requireMember(tenantId)
  const [{ data }, spend] = await Promise.all([listBots(scope, { limit: 200 }), getSpend(scope)])
  const bots = sortBots(data)
  const overviews = await Promise.all(bots.map((bot) => getBotOverview(scope, bot.id)))
  const canWrite = scope.permissions.has("bots.write")
  const create = canWrite ? (
    <ButtonLink href={`${routes.home(tenantId)}?new=bot`} look="action" icon="plus">
      New bot
    </ButtonLink>
  ) : null
  return (
    <>
      <PageHeader title={`Bots of ${tenant.name}`} action={bots.length > 0 ? create : null} />
      <div className="mb-4 empty:hidden">
        <SpendNotice spend={spend} tenantId={tenantId} />
      </div>
      {bots.length === 0 ? (
        <Card>
          <EmptyState title="No bot yet" action={create}>
            A bot answers from the sources you give it, on the websites you allow.
          </EmptyState>
        </Card>
      ) : (
        <ul className="grid gap-4 sm:grid-cols-2">
          {bots.map((bot, index) => (
            <li
              key={bot.id}
              className="relative rounded-card border border-hairline bg-card p-5 transition-colors hover:border-edge"
            >
              <div className="flex items-start justify-between gap-3">
                <h2 className="min-w-0 text-16 font-semibold wrap-anywhere">
                  <Link
                    href={routes.bot(tenantId, bot.id)}
                    className="after:absolute after:inset-0 after:rounded-card"
                  >
                    {bot.name}
                  </Link>
                </h2>
                {bot.published ? (
                  <Badge tone="good" hasDot>
                    Published
                  </Badge>
                ) : (
                  <Badge>Not published</Badge>
                )}
              </div>
              <p className="mt-3 text-quiet">
                {formatNumber(overviews[index]?.conversationCount ?? 0, "conversation")} in 30 days
              </p>
              <p className="text-13 text-quiet">
                Changed <RelativeTime at={bot.updatedAt} />
              </p>
            </li>
          ))}
        </ul>
      )}
      <NewBotDialog createBot={createBot} />
    </>
  )
}
