"use client"

import { useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { IncidentView } from "#lib/incidents/schema.ts"
import { useCan } from "./console-context.tsx"
import { formatCount, formatSite } from "./format.ts"
import type { IncidentActions } from "./incident-actions.ts"
import { useCommand } from "./use-command.ts"

type IncidentVisitorsProps = {
  incident: IncidentView
  actions: Pick<IncidentActions, "endChat" | "setVisitorBlocked">
}

const shortCount = 8

/** Who came last, each with what ends it. */
export function IncidentVisitors({ incident: { sessions }, actions }: IncidentVisitorsProps) {
  const canWrite = useCan("keys.write")
  const [isWhole, setWhole] = useState(false)
  const end = useCommand(actions.endChat, { doneMessage: "Chat ended.", isProblemToasted: true })
  const block = useCommand(actions.setVisitorBlocked, {
    doneMessage: (_, { isBlocked }) =>
      isBlocked ? "Blocked. Their chats are ended." : "Let back in. They start a new chat.",
    isProblemToasted: true,
  })
  const shown = isWhole ? sessions : sessions.slice(0, shortCount)
  return (
    <Card title="Latest visitors" isFlush={sessions.length > 0}>
      {sessions.length === 0 ? (
        <p className="text-quiet">Nobody in 24 hours.</p>
      ) : (
        <Table
          label="Latest visitors"
          head={[
            "When",
            "Website",
            "Address",
            { label: "Device", className: "max-lg:hidden" },
            { label: "Messages", align: "end" },
            { label: "Actions", isHidden: true },
          ]}
        >
          {shown.map((session) => (
            <Row key={session.id}>
              <Cell className="whitespace-nowrap text-quiet max-sm:text-13">
                <RelativeTime at={session.createdAt} />
              </Cell>
              <Cell className="wrap-anywhere max-sm:order-first max-sm:basis-full max-sm:font-medium">
                {formatSite(session.origin)}
              </Cell>
              <Cell className="wrap-anywhere max-sm:text-13">{session.address ?? "Unknown"}</Cell>
              <Cell from="lg" className="text-quiet">
                {session.device ?? "Unknown"}
              </Cell>
              <Cell label="Messages" className="tabular-nums max-sm:text-13 sm:text-end">
                {formatCount(session.messageCount)}
              </Cell>
              <Cell className="max-sm:basis-full sm:w-px">
                <span className="flex items-center gap-2 whitespace-nowrap sm:justify-end">
                  {session.isBlocked ? null : session.isEnded ? (
                    <span className="text-13 text-quiet">Ended</span>
                  ) : canWrite ? (
                    <Button size="small" onClick={() => void end.run({ sessionId: session.id })}>
                      End chat
                    </Button>
                  ) : null}
                  {canWrite ? (
                    <Button
                      size="small"
                      onClick={() =>
                        void block.run({
                          visitorId: session.visitorId,
                          isBlocked: !session.isBlocked,
                        })
                      }
                    >
                      {session.isBlocked ? "Let back in" : "Block visitor"}
                    </Button>
                  ) : null}
                </span>
              </Cell>
            </Row>
          ))}
        </Table>
      )}
      {sessions.length > shortCount && !isWhole ? (
        <div className="border-t border-hairline p-3 text-center">
          <Button look="quiet" size="small" onClick={() => setWhole(true)}>
            Show the latest {formatCount(sessions.length)}
          </Button>
        </div>
      ) : null}
    </Card>
  )
}
