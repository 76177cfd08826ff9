import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { AuditEventView } from "#lib/audit/schema.ts"

/** The owner's words for what the code calls its events; an unknown one is shown as it is. */
const actions: Record<string, string> = {
  "bot.created": "Created a bot",
  "bot.changed": "Changed a bot",
  "bot.published": "Published a bot",
  "bot.unpublished": "Took a bot offline",
  "bot.deleted": "Deleted a bot",
  "embedKey.created": "Made a tag",
  "embedKey.changed": "Changed a tag",
  "embedKey.switchedOn": "Switched a tag on",
  "embedKey.switchedOff": "Switched a tag off",
  "embedKey.deleted": "Deleted a tag",
  "apiKey.created": "Created an API key",
  "apiKey.deleted": "Deleted an API key",
  "apiKey.usedInBrowser": "An API key was used in a browser and refused",
  "source.created": "Added a source",
  "source.retried": "Read a source again",
  "source.deleted": "Deleted a source",
  "lead.changed": "Changed a lead",
  "tenant.created": "Created the business",
  "tenant.changed": "Changed the business",
  "member.passwordChanged": "Changed their password",
}

const fieldNames: Record<string, string> = {
  allowedOrigins: "allowed websites",
  botIds: "bots",
  published: "published",
  status: "status",
}

export function AuditTable({ events }: { events: AuditEventView[] }) {
  return (
    <Table
      label="Audit"
      head={[
        "When",
        "Who",
        "What",
        { label: "Details", className: "hidden md:table-cell" },
        { label: "Address", className: "hidden lg:table-cell" },
      ]}
    >
      {events.map((event) => (
        <Row key={event.id}>
          <Cell className="align-top whitespace-nowrap text-quiet">
            <RelativeTime at={event.createdAt} />
          </Cell>
          <Cell className="min-w-28 align-top wrap-anywhere">{event.actor.label}</Cell>
          <Cell className="min-w-32 align-top font-medium">
            {actions[event.action] ?? event.action}
          </Cell>
          <Cell className="hidden align-top text-13 text-quiet md:table-cell">
            <Change before={event.before} after={event.after} />
          </Cell>
          <Cell className="hidden align-top whitespace-nowrap text-13 text-quiet lg:table-cell">
            {event.ip ?? ""}
          </Cell>
        </Row>
      ))}
    </Table>
  )
}

type ChangeProps = { before: AuditEventView["before"]; after: AuditEventView["after"] }

function Change({ before, after }: ChangeProps) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return (
    <ul className="flex max-w-md flex-col gap-0.5">
      {names.map((name) => (
        <li key={name} className="wrap-anywhere">
          {fieldNames[name] ?? name}: {before && name in before ? `${show(before[name])} → ` : ""}
          {after && name in after ? show(after[name]) : "removed"}
        </li>
      ))}
    </ul>
  )
}

function show(value: unknown): string {
  if (value === null || value === undefined || value === "") return "empty"
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(show).join(", ")
  if (typeof value === "boolean") return value ? "yes" : "no"
  const text = typeof value === "object" ? JSON.stringify(value) : String(value)
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}
