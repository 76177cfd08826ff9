import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createPreviewTicket } from "#lib/admission/tickets.ts"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { defaultKeyLimits } from "#lib/limits/schema.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
  scopeAs,
} from "#prisma/factories.ts"
import { createEmbedKey, deleteEmbedKey, rotateEmbedKey, updateEmbedKey } from "./commands.ts"
import { parseEmbedKey } from "./embed-key.ts"
import { getEmbedKey, listEmbedKeys, listRefusals, listSites } from "./queries.ts"
import { createEmbedKeyInput, embedKeyView, updateEmbedKeyInput } from "./schema.ts"

let tenant: MadeTenant
let botId: string
beforeAll(async () => {
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
})
afterAll(disconnect)

const missing = { code: "not_found", status: 404 }

describe("a new key", () => {
  test("is live, on, empty of websites, and its view is the schema's", async () => {
    const key = await createEmbedKey(tenant.scope, botId, {})
    expect(key).toMatchObject({
      mode: "live",
      status: "active",
      allowedOrigins: [],
      botIds: [botId],
      limits: defaultKeyLimits,
      lastSeenAt: null,
    })
    expect(embedKeyView.parse(key)).toEqual(key)
    expect(parseEmbedKey(key.key)).toMatchObject({ mode: "live", keyId: key.id })
  })

  test("keeps each website once, in its canonical form", async () => {
    const allowedOrigins = ["https://Shop.example.com/", "shop.example.com", "*.example.org"]
    const key = await createEmbedKey(tenant.scope, botId, { allowedOrigins })
    expect(key.allowedOrigins).toEqual(["https://shop.example.com", "https://*.example.org"])
  })

  test("for testing carries low limits and may stand on this computer", async () => {
    const key = await createEmbedKey(tenant.scope, botId, {
      mode: "test",
      allowedOrigins: ["http://localhost:3000"],
    })
    expect(key.key).toMatch(/^pk_test_/)
    expect(key.limits.messagesPerDay).toBeLessThan(defaultKeyLimits.messagesPerDay)
  })

  test("with a website that cannot be is not made, and each wrong line is named", async () => {
    const before = (await listEmbedKeys(tenant.scope, botId, { limit: 200 })).data.length
    const allowedOrigins = ["https://shop.example.com", "*.co.uk", "http://localhost:3000"]
    await expect(createEmbedKey(tenant.scope, botId, { allowedOrigins })).rejects.toMatchObject({
      code: "invalid",
      status: 422,
      issues: [{ path: "allowedOrigins.1" }, { path: "allowedOrigins.2" }],
    })
    const after = (await listEmbedKeys(tenant.scope, botId, { limit: 200 })).data.length
    expect(after).toBe(before)
  })
})

describe("a change", () => {
  test("touches what it names: other limits, websites and bots stay", async () => {
    const key = await makeEmbedKey(tenant.scope, botId, { limits: { messagesPerDay: 5 } })
    const changed = await updateEmbedKey(tenant.scope, key.id, {
      limits: { ticketsPerMinute: 7 },
    })
    expect(changed).toEqual({ ...key, limits: { ...key.limits, ticketsPerMinute: 7 } })
    expect(await getEmbedKey(tenant.scope, key.id)).toEqual(changed)
  })

  test("with one bad line changes nothing at all", async () => {
    const key = await makeEmbedKey(tenant.scope, botId)
    const half = { name: "New", status: "disabled", allowedOrigins: ["https://a.example.com", "*"] }
    await expect(
      updateEmbedKey(tenant.scope, key.id, half as { name: string }),
    ).rejects.toMatchObject({ code: "invalid" })
    expect(await getEmbedKey(tenant.scope, key.id)).toEqual(key)
  })

  test("keeps the row of a website that stays, so that its visitors stay too", async () => {
    const key = await makeEmbedKey(tenant.scope, botId)
    const readRows = () =>
      withTenant(tenant.scope, (tx) => tx.embedKeyOrigin.findMany({ where: { keyId: key.id } }))
    const [before] = await readRows()
    await updateEmbedKey(tenant.scope, key.id, {
      allowedOrigins: [...key.allowedOrigins, "https://b.example.com"],
    })
    expect((await readRows()).map((row) => row.id)).toContain(before!.id)
  })

  test("switching off and on is in the log by name, with who did it", async () => {
    const key = await makeEmbedKey(tenant.scope, botId)
    await updateEmbedKey(tenant.scope, key.id, { status: "disabled" })
    await updateEmbedKey(tenant.scope, key.id, { status: "active" })
    const { data } = await listAuditEvents(tenant.scope)
    const events = data.filter((event) => event.target === key.id)
    expect(events.map((event) => event.action)).toEqual([
      "embedKey.switchedOn",
      "embedKey.switchedOff",
      "embedKey.created",
    ])
    expect(events[1]).toMatchObject({
      actor: { kind: "member", label: "owner" },
      before: { status: "active" },
      after: { status: "disabled" },
    })
  })

  test("rotation keeps id, websites and limits, and changes the line", async () => {
    const key = await makeEmbedKey(tenant.scope, botId)
    const rotated = await rotateEmbedKey(tenant.scope, key.id, { overlapSeconds: 60 })
    expect(rotated.key).not.toBe(key.key)
    expect(parseEmbedKey(rotated.key)!.keyId).toBe(key.id)
    expect({ ...rotated, key: "", previousExpiresAt: null }).toEqual({ ...key, key: "" })
    expect(rotated.previousExpiresAt).not.toBeNull()
  })
})

describe("another tenant's key", () => {
  test("is not there, in every command and query", async () => {
    const other = await makeTenant()
    const foreign = await makeEmbedKey(other.scope, (await makeBot(other.scope)).id)
    const attempts = [
      () => getEmbedKey(tenant.scope, foreign.id),
      () => updateEmbedKey(tenant.scope, foreign.id, { status: "disabled" }),
      () => rotateEmbedKey(tenant.scope, foreign.id, { overlapSeconds: 0 }),
      () => deleteEmbedKey(tenant.scope, foreign.id),
      () => listSites(tenant.scope, foreign.id),
      () => listRefusals(tenant.scope, foreign.id),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(missing)
    expect(await getEmbedKey(other.scope, foreign.id)).toEqual(foreign)
  })
})

test("a bot's built-in preview key is neither listed nor changed", async () => {
  const bot = await makeBot(tenant.scope)
  const { key } = await createPreviewTicket(tenant.scope, bot.id)
  expect((await listEmbedKeys(tenant.scope, bot.id)).data).toEqual([])
  const { keyId } = parseEmbedKey(key)!
  for (const attempt of [
    () => getEmbedKey(tenant.scope, keyId),
    () => updateEmbedKey(tenant.scope, keyId, { allowedOrigins: ["https://shop.example.com"] }),
    () => rotateEmbedKey(tenant.scope, keyId, { overlapSeconds: 0 }),
    () => deleteEmbedKey(tenant.scope, keyId),
  ])
    await expect(attempt()).rejects.toMatchObject(missing)
})

test("keys are made and changed by owners and admins, read by all, and by visitors not at all", async () => {
  const key = await makeEmbedKey(tenant.scope, botId)
  const forbidden = { code: "forbidden" }
  for (const role of ["member", "viewer"] as const) {
    const scope = scopeAs(tenant, role)
    await getEmbedKey(scope, key.id)
    for (const attempt of [
      () => createEmbedKey(scope, botId, {}),
      () => updateEmbedKey(scope, key.id, { name: "x" }),
      () => rotateEmbedKey(scope, key.id, { overlapSeconds: 0 }),
      () => deleteEmbedKey(scope, key.id),
    ])
      await expect(attempt()).rejects.toMatchObject(forbidden)
  }
  const { scope: visitor } = await makeVisitor(key.key)
  for (const attempt of [() => getEmbedKey(visitor, key.id), () => listEmbedKeys(visitor, botId)])
    await expect(attempt()).rejects.toMatchObject(forbidden)
  await updateEmbedKey(scopeAs(tenant, "admin"), key.id, { name: "x" })
})

describe("an input is refused", () => {
  test.each([
    ["a limit beyond what an owner may set", { limits: { messageChars: 4_001 } }],
    ["a negative limit", { limits: { messagesPerDay: -1 } }],
    ["half a message", { limits: { messagesPerDay: 1.5 } }],
    ["an unknown limit", { limits: { everything: 1 } }],
    ["no bot at all", { botIds: [] }],
    ["a purpose", { purpose: "preview" }],
    ["a random part", { random: "0" }],
    ["an epoch", { epoch: 9 }],
    ["fifty-one websites", { allowedOrigins: Array(51).fill("https://a.example.com") }],
    ["a website that is no text", { allowedOrigins: [{}] }],
  ])("%s", (_, input) => {
    expect(createEmbedKeyInput.safeParse(input).success).toBe(false)
    expect(updateEmbedKeyInput.safeParse(input).success).toBe(false)
  })

  test("a mode that changes", () => {
    expect(updateEmbedKeyInput.safeParse({ mode: "test" }).success).toBe(false)
  })
})
