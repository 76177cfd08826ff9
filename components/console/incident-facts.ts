import type { AuditEventView } from "#lib/audit/schema.ts"
import type { IncidentView } from "#lib/incidents/schema.ts"
import type { EmbedKeyView, SiteView } from "#lib/keys/schema.ts"
import { nameAction } from "./audit-table.tsx"
import { formatNumber, formatSite } from "./format.ts"
import { formatMoney } from "./money.ts"
import { formatRefusal } from "./refusal-reasons.ts"

/** What a tag spent and may spend, in minor units of the currency. */
export type TagSpend = {
  currency: string
  spentMinor: number
  capMinor: number
  todayMinor: number
  dayCapMinor: number
  worstDayMinor: number
  hasModel: boolean
}

/** Everything the incident screen knows about one tag. */
export type IncidentFacts = {
  embedKey: EmbedKeyView
  incident: IncidentView
  sites: SiteView[]
  spend: TagSpend
  /** What was done to this tag in the last 24 hours; null for members who may not read the audit list. */
  events: AuditEventView[] | null
}

export type IncidentStep = { label: string; isDone: boolean; note: string }

/** Websites whose pages still carry the line from before the last rotation. */
export function listOldSites(sites: SiteView[]): string[] {
  return sites.filter((site) => site.hasOldKey).map((site) => formatSite(site.origin))
}

/** What there is to do about an abused tag, and what of it is done. */
export function listSteps({ embedKey, incident, sites, events }: IncidentFacts): IncidentStep[] {
  const isOff = embedKey.status !== "active"
  const oldSites = listOldSites(sites)
  const isReplaced =
    oldSites.length > 0 ||
    embedKey.previousExpiresAt !== null ||
    (events ?? []).some((event) => event.action === "embedKey.rotated")
  const isTightened = (events ?? []).some(hasLoweredLimit)
  const keptOut = incident.blockedNetworks.length
  const websites = new Intl.ListFormat("en").format(oldSites)
  return [
    {
      label: "Switched off or replaced?",
      isDone: isOff || isReplaced,
      note: isOff
        ? "The tag is off."
        : isReplaced
          ? embedKey.previousExpiresAt
            ? "Replaced. The old line still works for a while."
            : "Replaced. The old line opens nothing."
          : "The line a thief may have copied still works.",
    },
    {
      label: "Addresses kept out?",
      isDone: keptOut > 0,
      note:
        keptOut > 0
          ? `${formatNumber(keptOut, "address or range", "addresses or ranges")} kept out.`
          : "Worth it when a few addresses stand out above.",
    },
    {
      label: "Limits tightened?",
      isDone: isTightened || embedKey.botCheck === "always",
      note: isTightened
        ? "Tightened in the last 24 hours."
        : embedKey.botCheck === "always"
          ? "Every visitor’s browser is checked."
          : "Limits decide what a copy of this tag can cost you.",
    },
    {
      label: "Line replaced on the website?",
      isDone: isReplaced && oldSites.length === 0,
      note:
        oldSites.length > 0
          ? `The old line was last seen on ${websites}.`
          : isReplaced
            ? "No website shows the old line."
            : "Comes after replacing the line here.",
    },
  ]
}

/** Raising a limit is a change of limits too, and makes nothing safer. */
function hasLoweredLimit({ before, after }: AuditEventView): boolean {
  const was = (before?.limits ?? {}) as Record<string, number>
  const is = (after?.limits ?? {}) as Record<string, number>
  return Object.entries(is).some(([name, value]) => value < (was[name] ?? 0))
}

/** The whole story as text, for a colleague, a host or the police. */
export function writeReport(facts: IncidentFacts, at: Date): string {
  const { embedKey, incident, spend, events } = facts
  const list = (rows: string[]) => (rows.length > 0 ? rows.map((row) => `- ${row}`) : ["- none"])
  const money = (minor: number) => formatMoney(minor, spend.currency)
  return [
    `Report on the tag “${embedKey.name}” (ends in ${embedKey.key.slice(-4)}, ${embedKey.id})`,
    `Written ${at.toISOString()}; figures are for the 24 hours before. Times are UTC.`,
    "",
    `State: ${embedKey.status === "active" ? "on" : "off"}`,
    `Allowed websites: ${embedKey.allowedOrigins.join(", ") || "none"}`,
    `Spent this month: ${money(spend.spentMinor)} of ${money(spend.capMinor)}; today: ${money(spend.todayMinor)}`,
    `The most a stolen copy can cost in a day at these settings: ${money(spend.worstDayMinor)}`,
    "",
    "Checklist",
    ...list(listSteps(facts).map((s) => `[${s.isDone ? "x" : " "}] ${s.label} ${s.note}`)),
    "",
    "By hour",
    ...list(
      incident.hours.map(
        ({ hour, sessions, refusals }) => `${hour}: ${sessions} chats, ${refusals} turned away`,
      ),
    ),
    "",
    "Websites",
    ...list(incident.websites.map((w) => `${w.origin}: ${formatNumber(w.sessions, "chat")}`)),
    "",
    "Addresses",
    ...list(
      incident.addresses.map(
        (a) =>
          `${a.address}: ${formatNumber(a.sessions, "chat")}${a.isBlocked ? ", kept out" : ""}`,
      ),
    ),
    "",
    "Turned away",
    ...list(incident.refusals.map((r) => `${formatRefusal(r.reason)}: ${r.count}`)),
    "",
    "Kept out",
    ...list(incident.blockedNetworks.map((n) => `${n.network}, since ${n.createdAt}`)),
    "",
    "Latest visitors",
    ...list(
      incident.sessions.map(
        (s) =>
          `${s.createdAt} ${s.origin} ${s.address ?? "address unknown"}, ${formatNumber(s.messageCount, "message")}${s.isEnded ? ", ended" : ""}`,
      ),
    ),
    ...(events
      ? [
          "",
          "What was done",
          ...list(
            events.map(
              ({ createdAt, actor, action }) =>
                `${createdAt} ${actor.label}: ${nameAction(action)}`,
            ),
          ),
        ]
      : []),
    "",
  ].join("\r\n")
}
