import type { Metadata } from "next"
import { PageHeader } from "#components/console/page-header.tsx"
import { roleNames } from "#components/console/role-names.ts"
import { Badge } from "#components/ui/badge.tsx"
import { Card } from "#components/ui/card.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import { listMembers } from "#lib/auth/queries.ts"
import { requireMember } from "#lib/auth/session.ts"

export const metadata: Metadata = { title: "Team" }

type Props = { params: Promise<{ tenant: string }> }

export default async function TeamPage({ params }: Props) {
  const { tenant: tenantId } = await params
  const { scope, user } = await requireMember(tenantId)
  const members = await listMembers(scope)
  return (
    <>
      <PageHeader
        title="Team"
        description="Who can sign in to this business, and what they may do."
      />
      <Card isFlush>
        <Table label="Team" head={["Who", "Role", "Joined"]}>
          {members.map((member) => (
            <Row key={member.userId}>
              <Cell className="max-sm:basis-full">
                <p className="font-medium wrap-anywhere">
                  {member.email}
                  {member.userId === user.id ? <span className="text-quiet"> (you)</span> : null}
                </p>
              </Cell>
              <Cell>
                <Badge>{roleNames[member.role]}</Badge>
                <span className="ms-2 text-13 text-quiet max-lg:hidden">
                  {roleMeanings[member.role]}
                </span>
              </Cell>
              <Cell className="whitespace-nowrap text-quiet max-sm:text-13">
                <RelativeTime at={member.createdAt} />
              </Cell>
            </Row>
          ))}
        </Table>
      </Card>
    </>
  )
}

const roleMeanings = {
  owner: "May do everything.",
  admin: "Everything but billing and deleting the business.",
  member: "Bots, sources and conversations.",
  viewer: "Reads, changes nothing.",
} as const
