"use client"

import { Button } from "#components/ui/button.tsx"
import type { LeadView } from "#lib/leads/schema.ts"
import { toCsv } from "./csv.ts"

/** Saves the leads on the screen as a file a spreadsheet opens. */
export function LeadExport({
  leads,
  botNames,
}: {
  leads: LeadView[]
  botNames: Record<string, string>
}) {
  function save() {
    const rows = [
      ["Name", "E-mail", "Phone", "Message", "Bot", "Status", "Received"],
      ...leads.map((lead) => [
        lead.name,
        lead.email ?? "",
        lead.phone ?? "",
        lead.message,
        botNames[lead.botId] ?? "",
        lead.status,
        lead.createdAt,
      ]),
    ]
    // The mark at the start tells Excel that this is UTF-8.
    const url = URL.createObjectURL(new Blob(["\ufeff", toCsv(rows)], { type: "text/csv" }))
    const link = document.createElement("a")
    link.href = url
    link.download = "leads.csv"
    link.click()
    URL.revokeObjectURL(url)
  }
  return (
    <Button icon="down" onClick={save}>
      Download as CSV
    </Button>
  )
}
