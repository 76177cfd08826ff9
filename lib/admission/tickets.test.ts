import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { updateBot } from "#lib/bots/commands.ts"
import { env } from "#lib/env.ts"
import { deleteEmbedKey, updateEmbedKey } from "#lib/keys/commands.ts"
import { formatEmbedKey, parseEmbedKey } from "#lib/keys/embed-key.ts"
import { listRefusals, listSites } from "#lib/keys/queries.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import { deleteTenant, updateTenant } from "#lib/operator/commands.ts"
import { newSecret } from "#lib/secrets.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { verifyTicket } from "#lib/tokens/tokens.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
  scopeAs,
  shopOrigin,
} from "#prisma/factories.ts"
import { redeemTicket } from "./sessions.ts"
import {
  createPreviewTicket,
  findFrameAncestors,
  findLook,
  findPreflightOrigin,
  sellTicket,
} from "./tickets.ts"

let tenant: MadeTenant
let botId: string
let key: EmbedKeyView

beforeAll(async () => {
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
  key = await makeEmbedKey(tenant.scope, botId)
})
afterAll(disconnect)

const newIp = () => `test-${newSecret(6)}`
const sell = (changes: Partial<Parameters<typeof sellTicket>[0]> = {}) =>
  sellTicket({ key: key.key, origin: shopOrigin, ip: newIp(), ...changes })

test("a page on the list buys a ticket for that key, bot and origin, good for a minute", async () => {
  const { ticket, expiresIn, origin } = await sell()
  expect(expiresIn).toBeLessThanOrEqual(60)
  expect(origin).toBe(shopOrigin)
  expect(await verifyTicket(ticket)).toMatchObject({
    tenantId: tenant.tenantId,
    keyId: key.id,
    botId,
    origin: shopOrigin,
    kind: "page",
  })
})

describe("the origin decides, and only the one that the browser stamped", () => {
  test("none at all is refused as such", async () => {
    await expect(sell({ origin: null })).rejects.toMatchObject({
      code: "origin_required",
      status: 403,
    })
  })

  test.each([
    "null",
    "http://shop.example.com",
    "https://shop.example.com.evil.test",
    "https://evilshop.example.com",
    "https://example.com",
    "https://evil.test",
    "https://shop.example.com/",
  ])("%s is refused", async (origin) => {
    await expect(sell({ origin })).rejects.toMatchObject({ code: "origin_refused", status: 403 })
  })

  test("another spelling of the allowed one is the allowed one", async () => {
    expect((await sell({ origin: "HTTPS://SHOP.EXAMPLE.COM" })).origin).toBe(shopOrigin)
  })

  test("our own origins prove nothing, even on a key that lists them", async () => {
    const own = await makeEmbedKey(tenant.scope, botId, {
      mode: "test",
      allowedOrigins: [env.APP_URL, env.WIDGET_URL, "http://*.localhost:3000"],
    })
    for (const origin of [env.APP_URL, env.WIDGET_URL])
      await expect(sell({ key: own.key, origin })).rejects.toMatchObject({ code: "origin_refused" })
  })

  test("an empty list admits nobody", async () => {
    const empty = await makeEmbedKey(tenant.scope, botId, { allowedOrigins: [] })
    await expect(sell({ key: empty.key })).rejects.toMatchObject({ code: "origin_refused" })
    expect(await findFrameAncestors(empty.key, "page")).toMatchObject({ ancestors: "'none'" })
  })

  test("a wildcard admits any depth below and not the domain itself", async () => {
    const wide = await makeEmbedKey(tenant.scope, botId, { allowedOrigins: ["*.example.com"] })
    for (const origin of ["https://a.example.com", "https://a.b.example.com"])
      expect((await sell({ key: wide.key, origin })).origin).toBe(origin)
    for (const origin of ["https://example.com", "https://aexample.com"])
      await expect(sell({ key: wide.key, origin })).rejects.toMatchObject({ status: 403 })
  })

  test("the owner sees what was refused and why", async () => {
    const watched = await makeEmbedKey(tenant.scope, botId)
    await sell({ key: watched.key, origin: "https://evil.test" }).catch(() => {})
    await sell({ key: watched.key, origin: "https://evil.test" }).catch(() => {})
    await sell({ key: watched.key, origin: null }).catch(() => {})
    const refusals = await listRefusals(tenant.scope, watched.id)
    expect(refusals.map(({ lastAt: _, ...refusal }) => refusal)).toEqual(
      expect.arrayContaining([
        { origin: "https://evil.test", reason: "origin_refused", count: 2 },
        { origin: null, reason: "origin_required", count: 1 },
      ]),
    )
  })

  test("a flood of invented origins fills no table: 20 are named, the rest counted together", async () => {
    const flooded = await makeEmbedKey(tenant.scope, botId)
    for (let i = 0; i < 30; i++)
      await sell({ key: flooded.key, origin: `https://evil-${i}.test` }).catch(() => {})
    const refusals = await listRefusals(tenant.scope, flooded.id)
    expect(refusals.length).toBeLessThanOrEqual(22)
    expect(refusals.reduce((sum, { count }) => sum + count, 0)).toBe(30)
  })
})

describe("the key decides, and a dead one answers the same whatever the reason", () => {
  const dead = { code: "unauthorized", status: 401 }

  test("malformed, unknown, of another mode, or a preview's", async () => {
    const { keyId, random } = parseEmbedKey(key.key)!
    const preview = await createPreviewTicket(tenant.scope, botId)
    const failures = await Promise.all(
      [
        undefined,
        null,
        "",
        [],
        { $ne: null },
        true,
        "x".repeat(10_000),
        formatEmbedKey({ mode: "live", keyId, random: newSecret(12) }),
        formatEmbedKey({ mode: "live", keyId: `key_${newSecret(12)}`, random }),
        formatEmbedKey({ mode: "test", keyId, random }),
        `${key.key}\n`,
        key.key.toUpperCase(),
        preview.key,
      ].map((wrong) => sell({ key: wrong }).catch((error) => error)),
    )
    for (const failure of failures) {
      expect(failure).toMatchObject(dead)
      expect(failure.detail).toBe(failures[0].detail)
    }
  })

  test("switched off, then on again", async () => {
    const own = await makeEmbedKey(tenant.scope, botId)
    await updateEmbedKey(tenant.scope, own.id, { status: "disabled" })
    await expect(sell({ key: own.key })).rejects.toMatchObject(dead)
    expect(await findLook(own.key)).toEqual({ enabled: false })
    expect(await findFrameAncestors(own.key, "page")).toBeNull()
    await updateEmbedKey(tenant.scope, own.id, { status: "active" })
    await sell({ key: own.key })
  })

  test("deleted", async () => {
    const own = await makeEmbedKey(tenant.scope, botId)
    await deleteEmbedKey(tenant.scope, own.id)
    await expect(sell({ key: own.key })).rejects.toMatchObject(dead)
  })

  test("its bot unpublished", async () => {
    const bot = await makeBot(tenant.scope)
    const own = await makeEmbedKey(tenant.scope, bot.id)
    await updateBot(tenant.scope, bot.id, { published: false })
    await expect(sell({ key: own.key })).rejects.toMatchObject(dead)
    expect(await findLook(own.key)).toEqual({ enabled: false })
    expect(await findFrameAncestors(own.key, "page")).toBeNull()
  })

  test("its tenant suspended, or deleted", async () => {
    const other = await makeTenant()
    const bot = await makeBot(other.scope)
    const own = await makeEmbedKey(other.scope, bot.id)
    await sell({ key: own.key })
    await updateTenant(other.tenantId, { status: "suspended" }, newIp())
    await expect(sell({ key: own.key })).rejects.toMatchObject(dead)
    await updateTenant(other.tenantId, { status: "active" }, newIp())
    await sell({ key: own.key })
    await deleteTenant(other.tenantId, newIp())
    await expect(sell({ key: own.key })).rejects.toMatchObject(dead)
    expect(await findLook(own.key)).toEqual({ enabled: false })
  })
})

test("no refusal comes sooner than another's work may take: time tells nobody why", async () => {
  const { keyId } = parseEmbedKey(key.key)!
  const refusals = [
    { key: "x" },
    { key: formatEmbedKey({ mode: "live", keyId: `key_${newSecret(12)}`, random: newSecret(12) }) },
    { key: formatEmbedKey({ mode: "live", keyId, random: newSecret(12) }) },
    { origin: "https://evil.test" },
    { origin: null },
  ]
  for (const refusal of refusals) {
    const startedAt = performance.now()
    await expect(sell(refusal)).rejects.toMatchObject({ name: "Failure" })
    expect(performance.now() - startedAt).toBeGreaterThan(29)
  }
})

describe("a key opens the bots on its list and no others", () => {
  test("its first by itself, another by name, a stranger never", async () => {
    const [second, outside] = [await makeBot(tenant.scope), await makeBot(tenant.scope)]
    const own = await makeEmbedKey(tenant.scope, botId, { botIds: [botId, second.id] })
    const bought = async (chosen?: string) =>
      (await verifyTicket((await sell({ key: own.key, botId: chosen })).ticket)).botId
    expect(await bought()).toBe(botId)
    expect(await bought(second.id)).toBe(second.id)
    for (const stranger of [outside.id, "bot_x", ""].filter(Boolean))
      await expect(bought(stranger)).rejects.toMatchObject({ status: 401 })
  })

  test("another tenant's bot least of all", async () => {
    const other = await makeTenant()
    const foreign = await makeBot(other.scope)
    await expect(sell({ botId: foreign.id })).rejects.toMatchObject({ status: 401 })
    const smuggle = makeEmbedKey(tenant.scope, botId, { botIds: [foreign.id] })
    await expect(smuggle).rejects.toMatchObject({ code: "not_found" })
    const adopt = updateEmbedKey(tenant.scope, key.id, { botIds: [foreign.id] })
    await expect(adopt).rejects.toMatchObject({ code: "not_found" })
  })
})

describe("tickets can be asked for only so fast", () => {
  test("by one address: exactly its limit of many at once, and other addresses go on", async () => {
    const own = await makeEmbedKey(tenant.scope, botId, { limits: { ticketsPerMinutePerIp: 4 } })
    const ip = newIp()
    const attempts = Array.from({ length: 20 }, () =>
      sell({ key: own.key, ip }).then(
        () => "sold",
        (error) => error.code,
      ),
    )
    const outcomes = await Promise.all(attempts)
    expect(outcomes.filter((outcome) => outcome === "sold")).toHaveLength(4)
    expect(outcomes.filter((outcome) => outcome === "rate_limited")).toHaveLength(16)
    await sell({ key: own.key })
  })

  test("on one key, whatever the addresses", async () => {
    const own = await makeEmbedKey(tenant.scope, botId, { limits: { ticketsPerMinute: 6 } })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => sell({ key: own.key })),
    )
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(6)
  })

  test("a flood from an evil page leaves the key's own counters untouched", async () => {
    const own = await makeEmbedKey(tenant.scope, botId, { limits: { ticketsPerMinute: 2 } })
    for (let i = 0; i < 10; i++)
      await sell({ key: own.key, origin: "https://evil.test" }).catch(() => {})
    await sell({ key: own.key })
    await sell({ key: own.key })
  })
})

describe("the look", () => {
  test("shows what the launcher draws and nothing else of the bot or the key", async () => {
    const look = await findLook(key.key)
    expect(Object.keys(look).sort()).toEqual(
      ["color", "enabled", "greeting", "label", "locale", "name", "position"].sort(),
    )
    expect(JSON.stringify(look)).not.toContain(tenant.tenantId)
  })

  test("of anything but a live key is the same empty one", async () => {
    const preview = await createPreviewTicket(tenant.scope, botId)
    for (const wrong of [null, "", "x", key.key.replace("live", "test"), preview.key])
      expect(await findLook(wrong)).toEqual({ enabled: false })
  })
})

describe("the frame", () => {
  test("may stand on the key's own websites, or, for our own pages, on our console alone", async () => {
    expect(await findFrameAncestors(key.key, "page")).toMatchObject({ ancestors: shopOrigin })
    expect(await findFrameAncestors(key.key, "ours")).toMatchObject({ ancestors: env.APP_URL })
    const preview = await createPreviewTicket(tenant.scope, botId)
    expect(await findFrameAncestors(preview.key, "page")).toBeNull()
    expect(await findFrameAncestors(preview.key, "ours")).toMatchObject({ ancestors: env.APP_URL })
    expect(await findFrameAncestors("pk_live_x", "page")).toBeNull()
  })

  test("a preflight is answered for a website, never for us or for nobody", () => {
    expect(findPreflightOrigin("https://any.example.net")).toBe("https://any.example.net")
    for (const origin of [env.APP_URL, env.WIDGET_URL, "null", null, "", "x"])
      expect(findPreflightOrigin(origin)).toBeNull()
  })
})

describe("a member's preview", () => {
  const client = () => ({ ip: newIp(), userAgent: null, origin: null })

  test("goes through a test key of its own, which no page can use", async () => {
    const { ticket, key: previewKey } = await createPreviewTicket(tenant.scope, botId)
    expect(await verifyTicket(ticket)).toMatchObject({ kind: "preview", botId })
    expect(previewKey).toMatch(/^pk_test_/)
    await expect(sell({ key: previewKey, origin: env.APP_URL })).rejects.toMatchObject({
      status: 401,
    })
    const opened = await redeemTicket({ ticket }, client())
    expect(opened.mode).toBe("test")
    const again = await createPreviewTicket(tenant.scope, botId)
    expect(again.key).toBe(previewKey)
  })

  test("works for a bot that is not published yet, and leaves no trace as a website", async () => {
    const bot = await makeBot(tenant.scope)
    await updateBot(tenant.scope, bot.id, { published: false })
    const { ticket } = await createPreviewTicket(tenant.scope, bot.id)
    const { scope } = await redeemTicket({ ticket }, client())
    expect(scope.visitor).toMatchObject({ kind: "preview", botId: bot.id })
    const live = await makeEmbedKey(tenant.scope, bot.id)
    expect(await listSites(tenant.scope, live.id)).toEqual([])
  })

  test("takes the right to read bots, and the bot must be one's own", async () => {
    const other = await makeTenant()
    await expect(createPreviewTicket(other.scope, botId)).rejects.toMatchObject({
      code: "not_found",
    })
    const visitor = await makeVisitor(key.key)
    await expect(createPreviewTicket(visitor.scope, botId)).rejects.toMatchObject({
      code: "forbidden",
    })
    await createPreviewTicket(scopeAs(tenant, "viewer"), botId)
  })

  test("two opened at once share the one key or each have a good one", async () => {
    const bot = await makeBot(tenant.scope)
    const made = await Promise.all([1, 2, 3].map(() => createPreviewTicket(tenant.scope, bot.id)))
    for (const { ticket } of made) await redeemTicket({ ticket }, client())
  })
})
