import { afterAll, beforeAll, expect, test } from "vitest"
import { beginTurn } from "#lib/conversations/turn.ts"
import { listSites } from "#lib/keys/queries.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
} from "#prisma/factories.ts"
import { disconnect, withTenant } from "./database.ts"
import { countRefusal, sweepExpired } from "./directory.ts"

let tenant: MadeTenant
let botId: string

beforeAll(async () => {
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
})
afterAll(disconnect)

const age = (days: number) => new Date(Date.now() - days * 86_400_000)

test("who came once and said nothing is forgotten after 30 idle days; who talked, or was blocked, stays", async () => {
  const key = await makeEmbedKey(tenant.scope, botId)
  const [silent, talked, blocked, fresh] = [
    await makeVisitor(key.key),
    await makeVisitor(key.key),
    await makeVisitor(key.key),
    await makeVisitor(key.key),
  ]
  await beginTurn(talked!.scope, { message: "Hello?" }, effectiveLimits("live", {}))
  const idOf = ({ scope }: typeof silent) => scope.visitor.visitorId
  await withTenant(tenant.scope, async (tx) => {
    for (const one of [silent, talked, blocked]) {
      await tx.visitor.update({ where: { id: idOf(one) }, data: { lastSeenAt: age(31) } })
      await tx.session.update({ where: { id: one.sessionId }, data: { renewedAt: age(31) } })
    }
    await tx.visitor.update({ where: { id: idOf(blocked) }, data: { blockedAt: age(31) } })
  })
  await sweepExpired()
  const left = await withTenant(tenant.scope, async (tx) => ({
    visitors: (await tx.visitor.findMany({})).map(({ id }) => id).sort(),
    sessions: (await tx.session.findMany({})).map(({ id }) => id),
    conversations: await tx.conversation.count(),
  }))
  expect(left).toEqual({
    visitors: [talked, blocked, fresh].map(idOf).sort(),
    sessions: [fresh.sessionId],
    conversations: 1,
  })
})

test("refusals and daily sums go after 35 days; months of money and this week's stay", async () => {
  const key = await makeEmbedKey(tenant.scope, botId)
  await countRefusal(key.id, "origin_refused", "https://evil.example.net")
  await countRefusal(key.id, "rate_limited", null)
  const day = (days: number) => age(days).toISOString().slice(0, 10)
  await withTenant(tenant.scope, async (tx) => {
    await tx.refusal.updateMany({
      where: { keyId: key.id, reason: "rate_limited" },
      data: { hour: age(36) },
    })
    const { tenantId } = tenant
    await tx.counter.createMany({
      data: [day(36), `${day(36)}T12`, day(7), `${day(7)}T12`].map((period) => ({
        tenantId,
        name: `hours:${key.id}`,
        period,
        used: 1,
      })),
    })
    await tx.spendCounter.createMany({
      data: [day(36), day(7), day(400).slice(0, 7)].map((period) => ({
        tenantId,
        subject: `key:${key.id}`,
        period,
        spentNanos: 1n,
      })),
    })
  })
  await sweepExpired()
  const left = await withTenant(tenant.scope, async (tx) => ({
    refusals: (await tx.refusal.findMany({ where: { keyId: key.id } })).map((r) => r.reason),
    counters: (await tx.counter.findMany({ where: { name: `hours:${key.id}` } })).map(
      (c) => c.period,
    ),
    sums: (await tx.spendCounter.findMany({ where: { subject: `key:${key.id}` } })).map(
      (s) => s.period,
    ),
  }))
  expect(left.refusals).toEqual(["origin_refused"])
  expect(left.counters.sort()).toEqual([day(7), `${day(7)}T12`])
  expect(left.sums.sort()).toEqual([day(400).slice(0, 7), day(7)].sort())
})

test("a key under a wildcard remembers 200 websites, and goes on noting the visits of those", async () => {
  const key = await makeEmbedKey(tenant.scope, botId, {
    allowedOrigins: ["https://*.example.com"],
    limits: { ticketsPerMinute: 10_000 },
  })
  await withTenant(tenant.scope, (tx) =>
    tx.site.createMany({
      data: Array.from({ length: 199 }, (_, n) => ({
        tenantId: tenant.tenantId,
        keyId: key.id,
        origin: `https://s${n + 1}.example.com`,
        lastSeenAt: age(1),
      })),
    }),
  )
  for (const origin of ["https://one.example.com", "https://more.example.com"])
    await makeVisitor(key.key, { origin })
  await makeVisitor(key.key, { origin: "https://s7.example.com" })
  const sites = await listSites(tenant.scope, key.id)
  expect(sites).toHaveLength(200)
  const seen = sites.filter((site) => Date.parse(site.lastSeenAt!) > Date.now() - 60_000)
  expect(seen.map((site) => site.origin).sort()).toEqual([
    "https://one.example.com",
    "https://s7.example.com",
  ])
})
