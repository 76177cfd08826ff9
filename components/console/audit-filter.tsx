"use client"

import { useRouter } from "next/navigation"
import { useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { SelectField } from "#components/ui/select.tsx"
import { useNotify } from "#components/ui/toast.tsx"
import type { AuditEventView, AuditNoun } from "#lib/audit/schema.ts"
import { nameAction } from "./audit-table.tsx"
import { useConsole } from "./console-context.tsx"
import { toCsv } from "./csv.ts"
import { saveFile } from "./save-file.ts"

type AuditFilterFormProps = { filter: Record<string, string> }

const nouns: Record<AuditNoun, string> = {
  embedKey: "Tags",
  apiKey: "API keys",
  bot: "Bots",
  source: "Sources",
  crawl: "Websites to read",
  tool: "Tools",
  mcpServer: "MCP servers",
  model: "Language model",
  golden: "Golden questions",
  gap: "Gaps",
  check: "Warnings passed over",
  lead: "Leads",
  session: "Chats",
  visitor: "Visitors",
  spend: "Spending",
  member: "Team",
  tenant: "The business",
}
const nounOptions = [
  { value: "", label: "Everything" },
  ...Object.entries(nouns).map(([value, label]) => ({ value, label })),
]

const actors = [
  { value: "", label: "Anyone" },
  { value: "member", label: "Your team" },
  { value: "apiKey", label: "Your servers" },
  { value: "visitor", label: "Visitors" },
  { value: "operator", label: "Coatcheck" },
  { value: "job", label: "Automatic" },
]

/** Narrows the list by the address, so that it can be shared, and saves all of what is chosen. */
export function AuditFilterForm({ filter }: AuditFilterFormProps) {
  const { tenantId } = useConsole()
  const router = useRouter()
  const notify = useNotify()
  const [isSaving, setSaving] = useState(false)

  function choose(name: string, value: string) {
    const next = new URLSearchParams({ ...filter, [name]: value })
    if (!value) next.delete(name)
    router.push(`?${next}`)
  }

  async function save() {
    setSaving(true)
    const events = await readAll(tenantId, filter).catch(() => null)
    setSaving(false)
    if (events) saveFile("audit.csv", writeAudit(events), "text/csv")
    else notify("The list could not be read. Nothing was saved; please try again.", "bad")
  }

  return (
    <div className="mb-4 flex flex-wrap items-end gap-3">
      <SelectField
        key={`noun-${filter.noun}`}
        label="What"
        className="w-44 max-sm:min-w-32 max-sm:flex-1"
        options={nounOptions}
        defaultValue={filter.noun ?? ""}
        onChange={(event) => choose("noun", event.target.value)}
      />
      <SelectField
        key={`actor-${filter.actorKind}`}
        label="Who"
        className="w-44 max-sm:min-w-32 max-sm:flex-1"
        options={actors}
        defaultValue={filter.actorKind ?? ""}
        onChange={(event) => choose("actorKind", event.target.value)}
      />
      <Button
        icon="down"
        className="sm:ms-auto"
        isBusy={isSaving}
        busyLabel="Collecting…"
        onClick={() => void save()}
      >
        Download as CSV
      </Button>
    </div>
  )
}

type AuditPage = { data: AuditEventView[]; nextCursor: string | null }

async function readAll(tenantId: string, filter: Record<string, string>) {
  const events: AuditEventView[] = []
  let cursor: string | null = null
  do {
    const query = new URLSearchParams({ ...filter, limit: "200", ...(cursor ? { cursor } : {}) })
    const response: Response = await fetch(`/api/console/${tenantId}/audit?${query}`)
    if (!response.ok) throw new Error(`The list answered ${response.status}`)
    const page = (await response.json()) as AuditPage
    events.push(...page.data)
    cursor = page.nextCursor
  } while (cursor)
  return events
}

function writeAudit(events: AuditEventView[]): string {
  const asText = (value: AuditEventView["before"]) => (value ? JSON.stringify(value) : "")
  return toCsv([
    ["When (UTC)", "Who", "What", "Entry", "Before", "After", "Address"],
    ...events.map((event) => [
      event.createdAt,
      event.actor.label,
      nameAction(event.action),
      event.target ?? "",
      asText(event.before),
      asText(event.after),
      event.ip ?? "",
    ]),
  ])
}
