import type { Metadata } from "next"
import { LeadExport } from "#components/console/lead-export.tsx"
import { LeadTable } from "#components/console/lead-table.tsx"
import { OlderLink } from "#components/console/older-link.tsx"
import { PageHeader } from "#components/console/page-header.tsx"
import { Card } from "#components/ui/card.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { listBots } from "#lib/bots/queries.ts"
import { listLeads } from "#lib/leads/queries.ts"
import { updateLead } from "../actions.ts"

export const metadata: Metadata = { title: "Leads" }

type Props = {
  params: Promise<{ tenant: string }>
  searchParams: Promise<{ bot?: string | string[]; cursor?: string | string[] }>
}

export default async function LeadsPage({ params, searchParams }: Props) {
  const { tenant: tenantId } = await params
  const { bot, cursor } = await searchParams
  const { scope } = await requireMember(tenantId)
  const botId = typeof bot === "string" ? bot : undefined
  const [{ data: leads, nextCursor }, { data: bots }] = await Promise.all([
    listLeads(scope, {
      botId,
      cursor: typeof cursor === "string" ? cursor : undefined,
      limit: 200,
    }),
    listBots(scope, { limit: 200 }),
  ])
  const botNames = Object.fromEntries(bots.map((one) => [one.id, one.name]))
  return (
    <>
      <PageHeader
        title="Leads"
        description="Visitors who left a way to reach them."
        action={leads.length > 0 ? <LeadExport leads={leads} botNames={botNames} /> : null}
      />
      <Card isFlush>
        {leads.length === 0 ? (
          <EmptyState title="Nobody is waiting">
            When a bot finds no answer, it offers visitors to leave their details. They appear here.
          </EmptyState>
        ) : (
          <LeadTable leads={leads} botNames={botNames} update={updateLead} />
        )}
      </Card>
      <OlderLink cursor={nextCursor} keep={botId ? { bot: botId } : {}} label="Older leads" />
    </>
  )
}
