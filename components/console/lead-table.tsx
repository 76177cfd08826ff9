"use client"

import Link from "next/link"
import { Badge } from "#components/ui/badge.tsx"
import { Button } from "#components/ui/button.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { LeadView } from "#lib/leads/schema.ts"
import type { Command } from "./command.ts"
import { useCan, useConsole } from "./console-context.tsx"
import { routes } from "./routes.ts"
import { useCommand } from "./use-command.ts"

export type UpdateLead = Command<{ leadId: string; status: LeadView["status"] }>

type LeadTableProps = { leads: LeadView[]; botNames: Record<string, string>; update: UpdateLead }

/** Who wants to be called back. Names and messages are a visitor's words: text and nothing else. */
export function LeadTable({ leads, botNames, update }: LeadTableProps) {
  const { tenantId } = useConsole()
  const canWrite = useCan("leads.write")
  const command = useCommand(update, { isProblemToasted: true })
  return (
    <Table
      label="Leads"
      head={["Who", "Message", { label: "Bot", className: "max-md:hidden" }, "When", "Status"]}
    >
      {leads.map((lead) => (
        <Row key={lead.id}>
          <Cell className="align-top max-sm:basis-full sm:min-w-40">
            <p dir="auto" className="font-medium wrap-break-word">
              {lead.name || "No name"}
            </p>
            {lead.email ? <p className="text-13 text-quiet wrap-break-word">{lead.email}</p> : null}
            {lead.phone ? <p className="text-13 text-quiet wrap-anywhere">{lead.phone}</p> : null}
          </Cell>
          <Cell className="align-top max-sm:basis-full sm:min-w-48">
            <p dir="auto" className="line-clamp-3 max-w-md whitespace-pre-wrap wrap-anywhere">
              {lead.message}
            </p>
            {lead.conversationId ? (
              <Link
                href={`${routes.conversations(tenantId, lead.botId)}/${lead.conversationId}`}
                className="text-13 font-medium text-action underline underline-offset-2"
              >
                Read the conversation
              </Link>
            ) : null}
          </Cell>
          <Cell from="md" className="align-top text-quiet">
            {botNames[lead.botId] ?? ""}
          </Cell>
          <Cell className="align-top whitespace-nowrap text-quiet max-sm:flex-1 max-sm:text-13">
            <RelativeTime at={lead.createdAt} />
          </Cell>
          <Cell className="align-top whitespace-nowrap">
            {canWrite ? (
              <Button
                size="small"
                icon={lead.status === "done" ? "check" : undefined}
                aria-label={
                  lead.status === "done" ? `Reopen ${lead.name}` : `Mark ${lead.name} as done`
                }
                onClick={() =>
                  void command.run({
                    leadId: lead.id,
                    status: lead.status === "done" ? "new" : "done",
                  })
                }
              >
                {lead.status === "done" ? "Done" : "Mark done"}
              </Button>
            ) : (
              <Badge tone={lead.status === "done" ? "plain" : "waiting"}>
                {lead.status === "done" ? "Done" : "New"}
              </Badge>
            )}
          </Cell>
        </Row>
      ))}
    </Table>
  )
}
