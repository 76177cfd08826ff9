import type { Metadata } from "next"
import { AuditFilterForm } from "#components/console/audit-filter.tsx"
import { AuditTable } from "#components/console/audit-table.tsx"
import { NoAccess } from "#components/console/no-access.tsx"
import { OlderLink } from "#components/console/older-link.tsx"
import { PageHeader } from "#components/console/page-header.tsx"
import { Card } from "#components/ui/card.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { type AuditFilter, auditFilter } from "#lib/audit/schema.ts"
import { requireMember } from "#lib/auth/session.ts"

export const metadata: Metadata = { title: "Audit" }

type Props = {
  params: Promise<{ tenant: string }>
  searchParams: Promise<Record<string, string | string[] | undefined>>
}

export default async function AuditPage({ params, searchParams }: Props) {
  const { tenant: tenantId } = await params
  const { cursor, ...wanted } = await searchParams
  const { scope } = await requireMember(tenantId)
  if (!scope.permissions.has("audit.read")) return <NoAccess what="the audit list" />
  const filter = readFilter(wanted)
  const { data, nextCursor } = await listAuditEvents(scope, {
    ...filter,
    cursor: typeof cursor === "string" ? cursor : undefined,
  })
  return (
    <>
      <PageHeader
        title="Audit"
        description="Who changed what, and when. Nobody can edit this list."
      />
      <AuditFilterForm filter={filter} />
      <Card isFlush>
        {data.length === 0 ? (
          <EmptyState title="Nothing here">No entry is of this kind.</EmptyState>
        ) : (
          <AuditTable events={data} />
        )}
      </Card>
      <OlderLink cursor={nextCursor} label="Older entries" keep={filter} />
    </>
  )
}

/** What the address asks for; anything that is no filter is left out. */
function readFilter(wanted: Record<string, unknown>): Record<string, string> {
  const chosen = Object.entries(wanted).filter(
    ([name, value]) =>
      value !== "" &&
      auditFilter.safeParse({ [name]: value }).data?.[name as keyof AuditFilter] !== undefined,
  )
  return auditFilter.parse(Object.fromEntries(chosen)) as Record<string, string>
}
