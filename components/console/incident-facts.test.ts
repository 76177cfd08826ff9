import { expect, test } from "vitest"
import type { AuditEventView } from "#lib/audit/schema.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import { defaultKeyLimits } from "#lib/limits/schema.ts"
import { type IncidentFacts, listSteps, writeReport } from "./incident-facts.ts"
import { formatRefusal } from "./refusal-reasons.ts"

const embedKey: EmbedKeyView = {
  id: "key_0",
  key: "pk_test_secret7788",
  name: "Main shop",
  mode: "test",
  status: "active",
  allowedOrigins: ["https://shop.example"],
  botIds: ["bot_0"],
  limits: defaultKeyLimits,
  botCheck: "off",
  botCheckRaisedUntil: null,
  tools: [],
  previousExpiresAt: null,
  createdAt: "2026-11-01T00:00:00.000Z",
  lastSeenAt: null,
}

const quiet: IncidentFacts = {
  embedKey,
  incident: {
    hours: [],
    websites: [],
    addresses: [],
    refusals: [],
    sessions: [],
    blockedNetworks: [],
  },
  sites: [{ origin: "https://shop.example", lastSeenAt: null, hasOldKey: false }],
  spend: {
    currency: "USD",
    spentMinor: 1_250,
    capMinor: 2_000,
    todayMinor: 90,
    dayCapMinor: 200,
    worstDayMinor: 200,
    hasModel: true,
  },
  events: [],
}

const event = (
  action: string,
  after: AuditEventView["after"] = null,
  before: AuditEventView["before"] = null,
): AuditEventView => ({
  id: "evt_0",
  action,
  actor: { kind: "member", label: "Mira" },
  target: "key_0",
  before,
  after,
  ip: null,
  createdAt: "2026-11-20T10:00:00.000Z",
})

const done = (facts: IncidentFacts) => listSteps(facts).map((step) => step.isDone)

test("on a quiet tag no step claims to be done", () => {
  expect(done(quiet)).toEqual([false, false, false, false])
})

test("each step is done by what does it, and by nothing else", () => {
  const off = { ...quiet, embedKey: { ...embedKey, status: "disabled" as const } }
  expect(done(off)).toEqual([true, false, false, false])
  expect(done({ ...quiet, events: [event("embedKey.rotated")] })).toEqual([
    true,
    false,
    false,
    true,
  ])
  const network = { id: "evt_1", network: "203.0.113.0/24", createdAt: "2026-11-20T10:00:00.000Z" }
  const keptOut = { ...quiet, incident: { ...quiet.incident, blockedNetworks: [network] } }
  expect(done(keptOut)).toEqual([false, true, false, false])
  const limits = { limits: defaultKeyLimits }
  const lower = { limits: { ...defaultKeyLimits, messagesPerDay: 10 } }
  const lowered = [event("embedKey.changed", lower, limits)]
  expect(done({ ...quiet, events: lowered })).toEqual([false, false, true, false])
  const raised = [event("embedKey.changed", limits, lower)]
  expect(done({ ...quiet, events: raised })).toEqual([false, false, false, false])
  expect(done({ ...quiet, events: [event("embedKey.changed", { name: "New" })] })).toEqual([
    false,
    false,
    false,
    false,
  ])
})

test("after a rotation the last step waits for the websites that still show the old line", () => {
  const sites = [{ origin: "https://shop.example", lastSeenAt: null, hasOldKey: true }]
  const steps = listSteps({ ...quiet, sites, events: null })
  expect(steps.map((step) => step.isDone)).toEqual([true, false, false, false])
  expect(steps[3]?.note).toContain("shop.example")
})

test("the report names the tag by its last four characters and never holds its line", () => {
  const incident = {
    ...quiet.incident,
    refusals: [{ reason: "origin_refused", count: 3 }],
    hours: [{ hour: "2026-11-20T10:00:00.000Z", sessions: 8, refusals: 3 }],
  }
  const report = writeReport(
    { ...quiet, incident, events: [event("embedKey.rotated")] },
    new Date("2026-11-20T11:00:00Z"),
  )
  expect(report).toContain("ends in 7788")
  expect(report).not.toContain(embedKey.key)
  expect(report).toContain("Came from a website you have not allowed: 3")
  expect(report).toContain("$12.50 of $20.00")
  expect(report).toContain("2026-11-20T10:00:00.000Z: 8 chats, 3 turned away")
  expect(report).toContain("Mira: Renewed a tag")
})

test("every reason the doors give has words for the owner", () => {
  for (const reason of [
    "origin_refused",
    "origin_required",
    "key_dead",
    "session_dead",
    "ticket_dead",
    "rate_limited",
    "day_limit",
    "stream_limit",
    "spend_cap",
    "address_blocked",
    "bot_check",
  ])
    expect(formatRefusal(reason)).toMatch(/^[A-Z][a-z]+ /)
})
