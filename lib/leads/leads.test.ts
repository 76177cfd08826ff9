import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { beginTurn } from "#lib/conversations/turn.ts"
import { listRefusals } from "#lib/keys/queries.ts"
import { takeLeadRates } from "#lib/limits/chat.ts"
import { takeRates } from "#lib/limits/rates.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import {
  type MadeTenant,
  type MadeVisitor,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
  scopeAs,
} from "#prisma/factories.ts"
import { createLead, updateLead } from "./commands.ts"
import { listLeads } from "./queries.ts"
import { createLeadInput, leadView } from "./schema.ts"

let tenant: MadeTenant
let botId: string
let visitor: MadeVisitor
beforeAll(async () => {
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
  visitor = await makeVisitor((await makeEmbedKey(tenant.scope, botId)).key)
})
afterAll(disconnect)

const lead = { name: "Ada", email: "ada@example.com", message: "Call me." }

test("what a visitor leaves is the owner's, with the conversation it came from", async () => {
  const before = await createLead(visitor.scope, lead)
  const limits = effectiveLimits("live", {})
  const { conversationId } = await beginTurn(visitor.scope, { message: "Hello?" }, limits)
  const after = await createLead(visitor.scope, { ...lead, name: "Ada again" })
  const { data } = await listLeads(tenant.scope, { botId })
  expect(data.map(({ id, conversationId }) => [id, conversationId])).toEqual([
    [after.id, conversationId],
    [before.id, null],
  ])
  for (const view of data) expect(leadView.parse(view)).toEqual(view)
})

test("another tenant sees none of it and changes none of it", async () => {
  const { id } = await createLead(visitor.scope, lead)
  const other = await makeTenant()
  expect((await listLeads(other.scope, { botId })).data).toEqual([])
  await expect(updateLead(other.scope, id, { status: "done" })).rejects.toMatchObject({
    code: "not_found",
  })
  expect(await updateLead(tenant.scope, id, { status: "done" })).toMatchObject({ status: "done" })
})

test("viewers read, members change, visitors only leave", async () => {
  const { id } = await createLead(visitor.scope, lead)
  await listLeads(scopeAs(tenant, "viewer"))
  const forbidden = { code: "forbidden" }
  const change = updateLead(scopeAs(tenant, "viewer"), id, { status: "done" })
  await expect(change).rejects.toMatchObject(forbidden)
  await updateLead(scopeAs(tenant, "member"), id, { status: "done" })
  await expect(listLeads(visitor.scope)).rejects.toMatchObject(forbidden)
  await expect(updateLead(visitor.scope, id, { status: "new" })).rejects.toMatchObject(forbidden)
  await expect(createLead(tenant.scope as never, lead)).rejects.toMatchObject(forbidden)
})

describe("a lead form", () => {
  test.each([
    ["without a name", { ...lead, name: " " }],
    ["without any way to answer", { name: "Ada", message: "x" }],
    ["with an address that is none", { ...lead, email: "ada" }],
    ["with a phone number that is text", { name: "Ada", phone: "<script>" }],
    ["with an endless message", { ...lead, message: "x".repeat(2_001) }],
    ["naming a tenant", { ...lead, tenantId: "ten_b" }],
    ["naming a bot", { ...lead, botId: "bot_b" }],
  ])("%s is refused", (_, input) => {
    expect(createLeadInput.safeParse(input).success).toBe(false)
  })

  test("takes a phone number alone", () => {
    expect(createLeadInput.parse({ name: " Ada ", phone: "+43 (660) 12 34-56" })).toEqual({
      name: "Ada",
      phone: "+43 (660) 12 34-56",
      message: "",
    })
  })
})

test("one address has its share of a key's day: the rest is refused and counted, and others still leave theirs", async () => {
  const made = await makeEmbedKey(tenant.scope, botId)
  const { scope } = await makeVisitor(made.key)
  const ip = "198.51.100.7"
  const before = { rate: "lead.ipDay", subject: `${made.id}:${ip}` } as const
  for (let i = 0; i < 7; i++) await takeRates([before])
  for (let i = 0; i < 3; i++) await takeLeadRates(scope, ip)
  await expect(takeLeadRates(scope, ip)).rejects.toMatchObject({ code: "rate_limited" })
  await takeLeadRates(scope, "198.51.100.8")
  expect(await listRefusals(tenant.scope, made.id)).toMatchObject([
    { reason: "lead_limit", count: 1 },
  ])
})
