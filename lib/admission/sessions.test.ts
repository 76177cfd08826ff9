import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { deleteBot, updateBot } from "#lib/bots/commands.ts"
import { env } from "#lib/env.ts"
import { deleteEmbedKey, rotateEmbedKey, updateEmbedKey } from "#lib/keys/commands.ts"
import { listSites } from "#lib/keys/queries.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import { deleteTenant, updateTenant } from "#lib/operator/commands.ts"
import { hashSecret, newSecret } from "#lib/secrets.ts"
import { disconnect, type Tx, withTenant } from "#lib/tenancy/database.ts"
import { signSessionToken, signTicket, verifyTicket } from "#lib/tokens/tokens.ts"
import {
  type MadeTenant,
  type MadeVisitor,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
  shopOrigin,
} from "#prisma/factories.ts"
import { authenticateSession, readDevice, redeemTicket } from "./sessions.ts"
import { createPreviewTicket, sellTicket } from "./tickets.ts"

afterAll(disconnect)

const refused = { code: "unauthorized", status: 401 }
const newIp = () => `test-${newSecret(6)}`
const client = (origin: string | null = null) => ({ ip: newIp(), userAgent: null, origin })

type Shop = { tenant: MadeTenant; botId: string; key: EmbedKeyView }

/** A tenant with one published bot and one key for two websites, to be spoiled by one test. */
async function openShop(): Promise<Shop> {
  const tenant = await makeTenant()
  const bot = await makeBot(tenant.scope)
  const key = await makeEmbedKey(tenant.scope, bot.id, {
    allowedOrigins: [shopOrigin, "https://blog.example.com"],
  })
  return { tenant, botId: bot.id, key }
}

const buy = async ({ key }: Shop, origin = shopOrigin) =>
  (await sellTicket({ key: key.key, origin, ip: newIp() })).ticket
const check = ({ token }: Pick<MadeVisitor, "token">) =>
  authenticateSession(token, { origin: env.WIDGET_URL, ip: newIp() })
const inTenant = <T>({ tenant }: Shop, work: (tx: Tx) => Promise<T>) =>
  withTenant(tenant.scope, work)

describe("a ticket", () => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop()
  })

  test("buys one session: a second use, and any later one, is refused", async () => {
    const ticket = await buy(shop)
    const opened = await redeemTicket({ ticket }, client())
    await check(opened)
    for (let i = 0; i < 3; i++)
      await expect(redeemTicket({ ticket }, client())).rejects.toMatchObject(refused)
    await check(opened)
  })

  test("is spent once by 50 redemptions at once, and leaves one session and one visitor", async () => {
    const ticket = await buy(shop)
    const before = await inTenant(shop, (tx) => tx.visitor.count())
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () => redeemTicket({ ticket }, client())),
    )
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(refused)
    expect(await inTenant(shop, (tx) => tx.visitor.count())).toBe(before + 1)
    expect(await inTenant(shop, (tx) => tx.session.count())).toBe(before + 1)
  })

  test("is redeemed by our own frame alone", async () => {
    for (const origin of [shopOrigin, "https://evil.test", "null", "", "file://"]) {
      const ticket = await buy(shop)
      await expect(redeemTicket({ ticket }, client(origin))).rejects.toMatchObject(refused)
      await redeemTicket({ ticket }, client(env.WIDGET_URL))
    }
    await redeemTicket({ ticket: await buy(shop) }, client(env.APP_URL))
  })

  test("that is no ticket buys nothing", async () => {
    const opened = await redeemTicket({ ticket: await buy(shop) }, client())
    for (const ticket of ["", "x", shop.key.key, opened.token, opened.visitorSecret])
      await expect(redeemTicket({ ticket }, client())).rejects.toMatchObject(refused)
  })

  test("with a claim that fits no row buys nothing, even signed by us", async () => {
    const other = await openShop()
    const good = await verifyTicket(await buy(shop))
    const foreign = await verifyTicket(await buy(other))
    const changes = [
      { botId: foreign.botId },
      { tenantId: foreign.tenantId },
      { keyId: foreign.keyId },
      { keyVersion: good.keyVersion + 1 },
      { originRuleId: foreign.originRuleId },
      { originRuleId: null },
      { kind: "preview" },
      { kind: "hosted", originRuleId: null },
      { stamp: "9.9.9" },
    ] as const
    for (const change of changes) {
      const { ticketId: _, ...claims } = good
      const ticket = await signTicket({ ...claims, ...change, ticketId: `tkt_${newSecret(12)}` })
      await expect(redeemTicket({ ticket }, client())).rejects.toMatchObject(refused)
    }
  })

  test("hands out a pass, the bot's look and a visitor secret, and stores the secret as a hash", async () => {
    const opened = await redeemTicket({ ticket: await buy(shop) }, client())
    expect(opened.expiresIn).toBeLessThanOrEqual(600)
    const visitor = await inTenant(shop, (tx) =>
      tx.visitor.findFirst({ where: { id: opened.visitorId } }),
    )
    expect(visitor!.secretHash).toBe(hashSecret(opened.visitorSecret))
    expect(JSON.stringify(visitor)).not.toContain(opened.visitorSecret)
    expect(await listSites(shop.tenant.scope, shop.key.id)).toMatchObject([
      { origin: shopOrigin, lastSeenAt: expect.any(String) },
    ])
  })

  test("keeps of the page what is the site's own: no query, no fragment, no other site", async () => {
    const open = async (url: string) => {
      const page = { url, title: "Delivery", language: "de" }
      const { sessionId } = await redeemTicket({ ticket: await buy(shop), page }, client())
      return inTenant(shop, (tx) => tx.session.findFirst({ where: { id: sessionId } }))
    }
    expect(await open(`${shopOrigin}/help?reset_token=x#y`)).toMatchObject({
      pageUrl: `${shopOrigin}/help`,
      pageTitle: "Delivery",
      language: "de",
    })
    for (const url of ["https://evil.test/x", "javascript:x", "not a url"])
      expect(await open(url)).toMatchObject({ pageUrl: null, pageTitle: null })
  })
})

type Ending = {
  how: string
  end: (shop: Shop, visitor: MadeVisitor) => Promise<unknown>
  /** Puts things back as they were, where that is possible. */
  undo?: (shop: Shop) => Promise<unknown>
  /** False where a ticket bought before lives on: it names no session and no visitor. */
  killsTickets?: boolean
}

const rotate = ({ tenant, key }: Shop, overlapSeconds: number) =>
  rotateEmbedKey(tenant.scope, key.id, { overlapSeconds })

const endings: Ending[] = [
  {
    how: "the key is switched off",
    end: ({ tenant, key }) => updateEmbedKey(tenant.scope, key.id, { status: "disabled" }),
    undo: ({ tenant, key }) => updateEmbedKey(tenant.scope, key.id, { status: "active" }),
  },
  { how: "the key is deleted", end: ({ tenant, key }) => deleteEmbedKey(tenant.scope, key.id) },
  { how: "the key is rotated at once", end: (shop) => rotate(shop, 0) },
  {
    how: "the website is taken off the list",
    end: ({ tenant, key }) =>
      updateEmbedKey(tenant.scope, key.id, { allowedOrigins: ["https://blog.example.com"] }),
    undo: ({ tenant, key }) =>
      updateEmbedKey(tenant.scope, key.id, {
        allowedOrigins: [shopOrigin, "https://blog.example.com"],
      }),
  },
  {
    how: "the list is emptied",
    end: ({ tenant, key }) => updateEmbedKey(tenant.scope, key.id, { allowedOrigins: [] }),
  },
  {
    how: "the bot is unpublished",
    end: ({ tenant, botId }) => updateBot(tenant.scope, botId, { published: false }),
    undo: ({ tenant, botId }) => updateBot(tenant.scope, botId, { published: true }),
  },
  { how: "the bot is deleted", end: ({ tenant, botId }) => deleteBot(tenant.scope, botId) },
  {
    how: "the bot is taken off the key",
    end: async ({ tenant, key }) => {
      const other = await makeBot(tenant.scope)
      await updateEmbedKey(tenant.scope, key.id, { botIds: [other.id] })
    },
    undo: ({ tenant, key, botId }) => updateEmbedKey(tenant.scope, key.id, { botIds: [botId] }),
  },
  {
    how: "the tenant is suspended",
    end: ({ tenant }) => updateTenant(tenant.tenantId, { status: "suspended" }, newIp()),
    undo: ({ tenant }) => updateTenant(tenant.tenantId, { status: "active" }, newIp()),
  },
  { how: "the tenant is deleted", end: ({ tenant }) => deleteTenant(tenant.tenantId, newIp()) },
  {
    how: "the visitor is blocked",
    end: (shop, visitor) =>
      inTenant(shop, (tx) =>
        tx.visitor.update({
          where: { id: visitor.scope.visitor.visitorId },
          data: { blockedAt: new Date() },
        }),
      ),
    killsTickets: false,
  },
  {
    how: "the session is ended",
    end: (shop, visitor) =>
      inTenant(shop, (tx) =>
        tx.session.update({ where: { id: visitor.sessionId }, data: { endedAt: new Date() } }),
      ),
    killsTickets: false,
  },
]

describe.each(endings)("when $how", ({ end, undo, killsTickets = true }) => {
  let shop: Shop
  let visitor: MadeVisitor
  let ticket: string

  beforeAll(async () => {
    shop = await openShop()
    visitor = await makeVisitor(shop.key.key)
    ticket = await buy(shop)
    await check(visitor)
    await end(shop, visitor)
  })

  test("the very next request with the pass is refused", async () => {
    await expect(check(visitor)).rejects.toMatchObject(refused)
  })

  if (killsTickets)
    test("a ticket bought before buys nothing", async () => {
      await expect(redeemTicket({ ticket }, client())).rejects.toMatchObject(refused)
    })

  if (undo)
    test("undoing it does not bring the pass or the ticket back", async () => {
      await undo(shop)
      await expect(check(visitor)).rejects.toMatchObject(refused)
      await expect(redeemTicket({ ticket }, client())).rejects.toMatchObject(refused)
      const again = await makeVisitor(shop.key.key, { visitorSecret: visitor.visitorSecret })
      expect(again.sessionId).not.toBe(visitor.sessionId)
      expect(again.scope.visitor.visitorId).toBe(visitor.scope.visitor.visitorId)
      await check(again)
      await expect(check(visitor)).rejects.toMatchObject(refused)
    })
})

describe("when the key is rotated with an overlap", () => {
  test("the old key, its tickets and its passes live on until the overlap ends", async () => {
    const shop = await openShop()
    const visitor = await makeVisitor(shop.key.key)
    const ticket = await buy(shop)
    await rotate(shop, 3_600)
    await check(visitor)
    const bought = await redeemTicket({ ticket }, client())
    const late = await makeVisitor(shop.key.key)
    // The hour passes.
    await inTenant(shop, (tx) =>
      tx.embedKey.updateMany({ data: { previousExpiresAt: new Date(Date.now() - 1_000) } }),
    )
    for (const old of [visitor, bought, late])
      await expect(check(old)).rejects.toMatchObject(refused)
    await expect(buy(shop)).rejects.toMatchObject(refused)
  })
})

test("one switch kills every pass of the key and no other's", async () => {
  const shop = await openShop()
  const visitors = [await makeVisitor(shop.key.key), await makeVisitor(shop.key.key)]
  const otherKey = await makeEmbedKey(shop.tenant.scope, shop.botId)
  const bystander = await makeVisitor(otherKey.key)
  await updateEmbedKey(shop.tenant.scope, shop.key.id, { status: "disabled" })
  for (const visitor of visitors) await expect(check(visitor)).rejects.toMatchObject(refused)
  await check(bystander)
})

test("changing what does not matter kills nothing", async () => {
  const shop = await openShop()
  const visitor = await makeVisitor(shop.key.key)
  const { scope } = shop.tenant
  await updateEmbedKey(scope, shop.key.id, { name: "Renamed", limits: { messagesPerDay: 3 } })
  await updateEmbedKey(scope, shop.key.id, { allowedOrigins: [shopOrigin] })
  await updateBot(scope, shop.botId, { name: "Renamed", published: true })
  const { limits } = await check(visitor)
  expect(limits).toMatchObject({ messagesPerDay: 3 })
})

test("a switch thrown amid requests, 20 times: none that starts after it returned is let in", async () => {
  const shop = await openShop()
  const { scope } = shop.tenant
  for (let round = 0; round < 20; round++) {
    const visitor = await makeVisitor(shop.key.key)
    const during = Array.from({ length: 5 }, () => check(visitor).catch(() => {}))
    await updateEmbedKey(scope, shop.key.id, { status: "disabled" })
    const after = await Promise.allSettled(Array.from({ length: 5 }, () => check(visitor)))
    expect(after.filter((outcome) => outcome.status === "fulfilled")).toEqual([])
    await Promise.all(during)
    await updateEmbedKey(scope, shop.key.id, { status: "active" })
  }
})

describe("a pass", () => {
  let shop: Shop
  let visitor: MadeVisitor
  beforeAll(async () => {
    shop = await openShop()
    visitor = await makeVisitor(shop.key.key)
  })

  test("opens one bot for one visitor of one tenant, to chat and nothing else", async () => {
    const { scope } = await check(visitor)
    expect(scope.tenantId).toBe(shop.tenant.tenantId)
    expect(scope.visitor).toMatchObject({
      sessionId: visitor.sessionId,
      botId: shop.botId,
      keyId: shop.key.id,
      origin: shopOrigin,
    })
    expect([...scope.permissions].sort()).toEqual(["chat.read", "chat.send"])
  })

  test("counts from our own frame alone", async () => {
    const from = (origin: string | null) =>
      authenticateSession(visitor.token, { origin, ip: newIp() })
    for (const origin of ["https://evil.test", shopOrigin, "https://blog.example.com", "null", ""])
      await expect(from(origin)).rejects.toMatchObject(refused)
    await from(env.WIDGET_URL)
  })

  test("for a session that never was is refused", async () => {
    for (const id of [`ses_${newSecret(12)}`, "", shop.key.id, shop.botId])
      await expect(check({ token: await signSessionToken(id) })).rejects.toMatchObject(refused)
  })
})

describe("the visitor secret", () => {
  let shop: Shop
  let visitor: MadeVisitor
  const visitorOf = (made: MadeVisitor) => made.scope.visitor.visitorId
  const come = (changes: { origin?: string; visitorSecret?: string; key?: string } = {}) => {
    const { key = shop.key.key, ...input } = changes
    return makeVisitor(key, { visitorSecret: visitor.visitorSecret, ...input })
  }

  beforeAll(async () => {
    shop = await openShop()
    visitor = await makeVisitor(shop.key.key)
  })

  test("renews the pass and keeps visitor and session, so limits and revocation carry on", async () => {
    const again = await come()
    expect(visitorOf(again)).toBe(visitorOf(visitor))
    expect(again.sessionId).toBe(visitor.sessionId)
    expect(again.visitorSecret).toBe(visitor.visitorSecret)
    await check(again)
    await check(visitor)
  })

  test("of somebody else, wrong or missing, makes a new visitor", async () => {
    for (const visitorSecret of [newSecret(24), "", "x", visitor.visitorSecret.slice(0, -1)]) {
      const stranger = await come({ visitorSecret })
      expect(visitorOf(stranger)).not.toBe(visitorOf(visitor))
      expect(stranger.visitorSecret).not.toBe(visitorSecret)
    }
  })

  test("resumes nobody on another website, even one of the same key", async () => {
    const elsewhere = await come({ origin: "https://blog.example.com" })
    expect(visitorOf(elsewhere)).not.toBe(visitorOf(visitor))
  })

  test("resumes nobody with another bot or another tenant", async () => {
    const bot = await makeBot(shop.tenant.scope)
    const key = await makeEmbedKey(shop.tenant.scope, bot.id)
    expect(visitorOf(await come({ key: key.key }))).not.toBe(visitorOf(visitor))
    const other = await openShop()
    expect(visitorOf(await come({ key: other.key.key }))).not.toBe(visitorOf(visitor))
  })

  test("resumes the visitor through another key of the same bot and site, in a session of its own", async () => {
    const key = await makeEmbedKey(shop.tenant.scope, shop.botId)
    const again = await come({ key: key.key })
    expect(visitorOf(again)).toBe(visitorOf(visitor))
    expect(again.sessionId).not.toBe(visitor.sessionId)
  })

  test("is forgotten after 30 idle days, and not before", async () => {
    const setIdle = (days: number) =>
      inTenant(shop, (tx) =>
        tx.visitor.update({
          where: { id: visitorOf(visitor) },
          data: { lastSeenAt: new Date(Date.now() - days * 86_400_000) },
        }),
      )
    await setIdle(29)
    expect(visitorOf(await come())).toBe(visitorOf(visitor))
    // Coming back counted as being seen.
    await setIdle(31)
    expect(visitorOf(await come())).not.toBe(visitorOf(visitor))
  })

  test("of a blocked visitor opens nothing", async () => {
    const blocked = await makeVisitor(shop.key.key)
    await inTenant(shop, (tx) =>
      tx.visitor.update({ where: { id: visitorOf(blocked) }, data: { blockedAt: new Date() } }),
    )
    await expect(come({ visitorSecret: blocked.visitorSecret })).rejects.toMatchObject(refused)
  })

  test("of a session that was ended starts a new one", async () => {
    const ended = await makeVisitor(shop.key.key)
    await inTenant(shop, (tx) =>
      tx.session.update({ where: { id: ended.sessionId }, data: { endedAt: new Date() } }),
    )
    const again = await come({ visitorSecret: ended.visitorSecret })
    expect(again.sessionId).not.toBe(ended.sessionId)
    expect(visitorOf(again)).toBe(visitorOf(ended))
    await expect(check(ended)).rejects.toMatchObject(refused)
  })

  test("sent with many tickets at once keeps one visitor", async () => {
    const tickets = await Promise.all(Array.from({ length: 8 }, () => buy(shop)))
    const mine = await makeVisitor(shop.key.key)
    const opened = await Promise.all(
      tickets.map((ticket) =>
        redeemTicket({ ticket, visitorSecret: mine.visitorSecret }, client()),
      ),
    )
    expect(new Set(opened.map((o) => o.visitorId))).toEqual(new Set([visitorOf(mine)]))
    expect(new Set(opened.map((o) => o.sessionId))).toEqual(new Set([mine.sessionId]))
  })

  test("of a preview and of the site are two visitors", async () => {
    const { ticket } = await createPreviewTicket(shop.tenant.scope, shop.botId)
    const preview = await redeemTicket({ ticket, visitorSecret: visitor.visitorSecret }, client())
    expect(preview.visitorId).not.toBe(visitorOf(visitor))
  })
})

test("a User-Agent is kept as the kind of device, nothing more", () => {
  expect(readDevice(null)).toBeNull()
  expect(readDevice("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148")).toBe(
    "Phone",
  )
  expect(readDevice("Mozilla/5.0 (Linux; Android 15; Pixel 9) Mobile Safari")).toBe("Phone")
  expect(readDevice("Mozilla/5.0 (Linux; Android 15; SM-X810) Safari")).toBe("Tablet")
  expect(readDevice("Mozilla/5.0 (X11; Linux x86_64) Chrome/140")).toBe("Computer")
  expect(readDevice("<script>alert(1)</script>")).toBe("Computer")
})
