"use client"

import { useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { IconButton } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { SelectField } from "#components/ui/select.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { Command } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { type RoleName, roleNames } from "./role-names.ts"
import { useCommand } from "./use-command.ts"

type TeamMember = { userId: string; email: string; role: RoleName; createdAt: string }

type TeamBoardProps = {
  members: TeamMember[]
  own: { userId: string; role: RoleName }
  actions: {
    changeRole: Command<{ userId: string; role: RoleName }>
    removeMember: Command<{ userId: string }>
  }
}

const order = Object.keys(roleNames) as RoleName[]

/** Who is on the team. Roles above one's own are shown and cannot be given, taken or touched. */
export function TeamBoard({ members, own, actions }: TeamBoardProps) {
  const canWrite = useCan("members.write")
  const [doomed, setDoomed] = useState<TeamMember | null>(null)
  const change = useCommand(actions.changeRole, {
    doneMessage: (_, { role }) => `${roleNames[role]} from their next click on.`,
    isProblemToasted: true,
  })
  const remove = useCommand(actions.removeMember, {
    doneMessage: "Removed. They can open nothing here any more.",
    onDone: () => setDoomed(null),
  })
  const reachable = order.slice(order.indexOf(own.role))
  const owners = members.filter((member) => member.role === "owner").length
  const mayTouch = ({ role }: TeamMember) =>
    canWrite && reachable.includes(role) && !(role === "owner" && owners === 1)

  return (
    <Card isFlush>
      <Table label="Team" head={["Who", "Role", "Joined", { label: "Actions", isHidden: true }]}>
        {members.map((member) => (
          <Row key={member.userId}>
            <Cell className="max-sm:basis-full">
              <p className="font-medium wrap-anywhere">
                {member.email}
                {member.userId === own.userId ? <span className="text-quiet"> (you)</span> : null}
              </p>
            </Cell>
            <Cell className="sm:min-w-36">
              {mayTouch(member) ? (
                <SelectField
                  label={`Role of ${member.email}`}
                  isLabelHidden
                  value={member.role}
                  disabled={change.isRunning}
                  options={reachable.map((role) => ({ value: role, label: roleNames[role] }))}
                  onChange={(event) =>
                    void change.run({
                      userId: member.userId,
                      role: event.currentTarget.value as RoleName,
                    })
                  }
                />
              ) : (
                <Badge>{roleNames[member.role]}</Badge>
              )}
            </Cell>
            <Cell className="whitespace-nowrap text-quiet max-sm:text-13">
              <RelativeTime at={member.createdAt} />
            </Cell>
            <Cell className="text-end max-sm:ms-auto sm:w-px">
              {mayTouch(member) ? (
                <IconButton
                  icon="trash"
                  label={`Remove ${member.email}`}
                  onClick={() => setDoomed(member)}
                />
              ) : null}
            </Cell>
          </Row>
        ))}
      </Table>
      <dl className="grid gap-x-6 gap-y-1 border-t border-hairline px-5 py-4 text-13 sm:grid-cols-2">
        {order.map((role) => (
          <div key={role} className="flex gap-2">
            <dt className="font-medium">{roleNames[role]}</dt>
            <dd className="text-quiet">{roleMeanings[role]}</dd>
          </div>
        ))}
      </dl>
      <ConfirmDialog
        isOpen={doomed !== null}
        onOpenChange={(isOpen) => (isOpen ? null : setDoomed(null))}
        title={`Remove ${doomed?.email ?? ""} from the team?`}
        verb="Remove"
        busyVerb="Removing…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() => doomed && void remove.run({ userId: doomed.userId })}
      >
        Their next click in this business is refused. What they made stays, and so do their other
        businesses.
      </ConfirmDialog>
    </Card>
  )
}

const roleMeanings: Record<RoleName, string> = {
  owner: "May do everything.",
  admin: "Everything but billing and deleting the business.",
  member: "Bots, sources and conversations.",
  viewer: "Reads, changes nothing.",
}
