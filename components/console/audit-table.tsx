import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { AuditEventView } from "#lib/audit/schema.ts"

/** The owner's words for what the code calls its events; an unknown one is shown as it is. */
export const auditActions: Record<string, string> = {
  "apiKey.created": "Created an API key",
  "apiKey.deleted": "Deleted an API key",
  "apiKey.rotated": "Replaced an API key",
  "apiKey.usedInBrowser": "An API key was used in a browser, and refused",
  "bot.changed": "Changed a bot",
  "bot.created": "Created a bot",
  "bot.deleted": "Deleted a bot",
  "bot.published": "Published a bot",
  "bot.unpublished": "Took a bot offline",
  "check.overruled": "Went ahead although golden questions got worse",
  "embedKey.changed": "Changed a tag",
  "embedKey.checkRaised": "The bot check rose by itself: half of a day went in an unusual hour",
  "embedKey.created": "Made a tag",
  "embedKey.deleted": "Deleted a tag",
  "embedKey.networkBlocked": "Kept a range of addresses out",
  "embedKey.networkUnblocked": "Let a range of addresses in again",
  "embedKey.rotated": "Renewed a tag",
  "embedKey.sessionsEnded": "Cut off everyone using a tag",
  "embedKey.switchedOff": "Switched a tag off",
  "embedKey.switchedOn": "Switched a tag on",
  "gap.answered": "Answered a gap",
  "gap.dismissed": "Closed a gap without an answer",
  "golden.added": "Added a golden question",
  "golden.changed": "Changed a golden question",
  "golden.deleted": "Deleted a golden question",
  "golden.drafted": "Had golden questions suggested",
  "golden.imported": "Imported golden questions",
  "lead.changed": "Changed a lead",
  "member.passwordChanged": "Changed their password",
  "member.removed": "Took somebody off the team",
  "member.roleChanged": "Gave somebody another role",
  "member.signedOut": "Signed out one of their devices",
  "model.removed": "Removed the business’s own language model",
  "model.saved": "Set the business’s own language model",
  "session.ended": "Ended an open chat",
  "source.added": "Added a source",
  "source.deleted": "Deleted a source",
  "source.retried": "Had a source read again",
  "spend.reached50": "Half of a month’s spending limit is used",
  "spend.reached80": "Four fifths of a month’s spending limit are used",
  "spend.reached100": "A month’s spending limit is used up: chats quote your sources",
  "tenant.activated": "The business was activated",
  "tenant.created": "Created the business",
  "tenant.suspended": "The business was suspended",
  "visitor.blocked": "Kept a visitor out",
  "visitor.unblocked": "Let a visitor in again",
  "visitor.forgotten": "A visitor had their chat forgotten",
}

/** The parts of an entry that mean something to an owner, by the owner's names for them. */
const fields: Record<string, string> = {
  allowedOrigins: "Allowed websites",
  botCheck: "Bot check",
  color: "Colour",
  greeting: "Greeting",
  instructions: "Instructions",
  device: "Device",
  ended: "Chats ended",
  label: "Words on the button",
  limitNote: "Words at the limit",
  locale: "Language",
  member: "Who",
  name: "Name",
  network: "Addresses",
  percent: "Percent",
  position: "Corner",
  published: "Published",
  role: "Role",
  spent: "What went",
  starters: "Starter questions",
  status: "Status",
  title: "Title",
  until: "Until",
  website: "Website",
}

const values: Record<string, string> = {
  active: "on",
  disabled: "off",
  true: "yes",
  false: "no",
}

export function AuditTable({ events }: { events: AuditEventView[] }) {
  return (
    <Table
      label="Audit"
      head={[
        "When",
        "Who",
        "What",
        { label: "Details", className: "max-md:hidden" },
        { label: "Address", className: "max-lg:hidden" },
      ]}
    >
      {events.map((event) => (
        <Row key={event.id}>
          <Cell className="align-top whitespace-nowrap text-quiet max-sm:order-2 max-sm:text-13">
            <RelativeTime at={event.createdAt} />
          </Cell>
          <Cell className="align-top wrap-anywhere max-sm:order-2 max-sm:text-13 sm:min-w-40">
            {event.actor.label}
          </Cell>
          <Cell className="align-top font-medium max-sm:order-1 max-sm:basis-full sm:min-w-36">
            {auditActions[event.action] ?? event.action}
          </Cell>
          <Cell className="align-top text-13 text-quiet max-sm:order-3 max-sm:basis-full max-md:sm:hidden">
            <Change before={event.before} after={event.after} />
          </Cell>
          <Cell from="lg" className="align-top whitespace-nowrap text-13 text-quiet">
            {event.ip ?? ""}
          </Cell>
        </Row>
      ))}
    </Table>
  )
}

type ChangeProps = { before: AuditEventView["before"]; after: AuditEventView["after"] }

function Change({ before, after }: ChangeProps) {
  const names = Object.keys(fields).filter((name) => name in { ...before, ...after })
  return (
    <ul className="flex max-w-md flex-col gap-0.5">
      {names.map((name) => (
        <li key={name} className="wrap-anywhere">
          {fields[name]}: {before && name in before ? show(before[name]) : ""}
          {before && after && name in before && name in after ? " → " : ""}
          {after && name in after ? show(after[name]) : ""}
        </li>
      ))}
    </ul>
  )
}

function show(value: unknown): string {
  if (value === null || value === undefined || value === "") return "empty"
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(show).join(", ")
  const text = typeof value === "object" ? JSON.stringify(value) : String(value)
  const said = values[text] ?? text
  return said.length > 120 ? `${said.slice(0, 120)}…` : said
}
