import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { AuditAction, AuditEventView } from "#lib/audit/schema.ts"

/** The owner's words for what the code calls its events: without words an event does not compile. */
const actions: Record<AuditAction, string> = {
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
  "crawl.added": "Added a website",
  "crawl.deleted": "Deleted a website",
  "crawl.stopped": "Stopped the reading of a website",
  "crawl.updated": "Changed how a website is read",
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
  "mcpServer.added": "Added an MCP server",
  "mcpServer.changed": "Changed an MCP server",
  "mcpServer.deleted": "Deleted an MCP server",
  "member.passwordChanged": "Changed their password",
  "member.passwordConfirmed": "Gave their password again",
  "member.removed": "Took somebody off the team",
  "member.roleChanged": "Gave somebody another role",
  "member.signedOut": "Signed out one of their devices",
  "model.removed": "Removed the business’s own language model",
  "model.saved": "Set the business’s own language model",
  "session.ended": "Ended an open chat",
  "source.added": "Added a source",
  "source.deleted": "Deleted a source",
  "source.replaced": "Replaced a source’s content",
  "source.held": "Held back what was read: golden questions would get worse",
  "source.accepted": "Put a source live although golden questions got worse",
  "source.discarded": "Discarded what was held of a source",
  "source.retried": "Had a source read again",
  "source.stopped": "Stopped the reading of a source",
  "source.updated": "Changed a source",
  "spend.reached100": "A month’s spending limit is used up: chats quote your sources",
  "spend.reached50": "Half of a month’s spending limit is used",
  "spend.reached80": "Four fifths of a month’s spending limit are used",
  "tenant.activated": "The business was activated",
  "tenant.created": "Created the business",
  "tenant.suspended": "The business was suspended",
  "tool.approved": "A visitor agreed to a tool’s call",
  "tool.changed": "Changed a tool",
  "tool.changedByServer": "A tool changed at its server, and is off until you allow it again",
  "tool.created": "Added a tool",
  "tool.declined": "A visitor declined a tool’s call",
  "tool.deleted": "Deleted a tool",
  "tool.tried": "Tried a tool",
  "visitor.blocked": "Kept a visitor out",
  "visitor.forgotten": "A visitor had their chat forgotten",
  "visitor.unblocked": "Let a visitor in again",
}

/** An event of a release before this one may have no words any more: it is shown as it is. */
export function nameAction(action: string): string {
  return (actions as Record<string, string>)[action] ?? action
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
            {nameAction(event.action)}
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
