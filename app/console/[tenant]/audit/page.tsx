import type { Metadata } from "next"
import { AuditTable } from "#components/console/audit-table.tsx"
import { NoAccess } from "#components/console/no-access.tsx"
import { OlderLink } from "#components/console/older-link.tsx"
import { PageHeader } from "#components/console/page-header.tsx"
import { Card } from "#components/ui/card.tsx"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { requireMember } from "#lib/auth/session.ts"

export const metadata: Metadata = { title: "Audit" }

type Props = {
  params: Promise<{ tenant: string }>
  searchParams: Promise<{ cursor?: string | string[] }>
}

export default async function AuditPage({ params, searchParams }: Props) {
  const { tenant: tenantId } = await params
  const { cursor } = await searchParams
  const { scope } = await requireMember(tenantId)
  if (!scope.permissions.has("audit.read")) return <NoAccess what="the audit list" />
  const { data, nextCursor } = await listAuditEvents(scope, {
    cursor: typeof cursor === "string" ? cursor : undefined,
  })
  return (
    <>
      <PageHeader
        title="Audit"
        description="Who changed what, and when. Nobody can edit this list."
      />
      <Card isFlush>
        <AuditTable events={data} />
      </Card>
      <OlderLink cursor={nextCursor} label="Older entries" />
    </>
  )
}
