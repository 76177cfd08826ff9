import type { Metadata } from "next"
import { PageHeader } from "#components/console/page-header.tsx"
import { TeamBoard } from "#components/console/team-board.tsx"
import { listMembers } from "#lib/auth/queries.ts"
import { requireMember } from "#lib/auth/session.ts"
import { changeRole, removeMember } from "../actions.ts"

export const metadata: Metadata = { title: "Team" }

type Props = { params: Promise<{ tenant: string }> }

export default async function TeamPage({ params }: Props) {
  const { tenant: tenantId } = await params
  const { scope, user, role } = await requireMember(tenantId)
  const members = await listMembers(scope)
  return (
    <>
      <PageHeader
        title="Team"
        description="Who can sign in to this business, and what they may do."
      />
      <TeamBoard
        members={members}
        own={{ userId: user.id, role }}
        actions={{ changeRole, removeMember }}
      />
    </>
  )
}
