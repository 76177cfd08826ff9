import { afterAll, beforeEach, expect, test } from "vitest"
import { authenticateSession } from "#lib/admission/sessions.ts"
import { sellTicket } from "#lib/admission/tickets.ts"
import { listRefusals } from "#lib/keys/queries.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeVisitor,
  scopeAs,
  shopOrigin,
} from "#prisma/factories.ts"
import {
  blockNetwork,
  endAllSessions,
  endSession,
  setVisitorBlocked,
  unblockNetwork,
} from "./commands.ts"
import { getIncident } from "./queries.ts"
import { isNetwork } from "./schema.ts"

let tenant: MadeTenant
let key: EmbedKeyView
beforeEach(async () => {
  tenant = await makeTenant()
  key = await makeEmbedKey(tenant.scope, (await makeBot(tenant.scope)).id)
})
afterAll(disconnect)

const use = (token: string) => authenticateSession(token, { origin: null, ip: "203.0.113.1" })
const refused = { code: "unauthorized" }

test("a blocked range buys no ticket, and its passes are dead, also after it is let back in", async () => {
  const inside = await makeVisitor(key.key, { ip: "203.0.113.77" })
  const outside = await makeVisitor(key.key, { ip: "198.51.100.7" })
  await blockNetwork(tenant.scope, key.id, "203.0.113.9/24")
  await expect(use(inside.token)).rejects.toMatchObject(refused)
  await use(outside.token)
  const buy = (ip: string) => sellTicket({ key: key.key, origin: shopOrigin, ip })
  await expect(buy("203.0.113.200")).rejects.toMatchObject(refused)
  await buy("198.51.100.7")
  const refusals = await listRefusals(tenant.scope, key.id)
  expect(refusals.map((r) => r.reason)).toContain("address_blocked")
  const { blockedNetworks } = await getIncident(tenant.scope, key.id)
  expect(blockedNetworks).toMatchObject([{ network: "203.0.113.0/24" }])
  await unblockNetwork(tenant.scope, blockedNetworks[0]!.id)
  await buy("203.0.113.200")
  await expect(use(inside.token)).rejects.toMatchObject(refused)
})

test("an IPv6 /64 is blocked as one client", async () => {
  const visitor = await makeVisitor(key.key, { ip: "2001:db8:1:2::/64" })
  await blockNetwork(tenant.scope, key.id, "2001:db8:1::/48")
  await expect(use(visitor.token)).rejects.toMatchObject(refused)
})

test("a blocked visitor, an ended session and all sessions of a key are dead on their next request", async () => {
  const [a, b, c] = await Promise.all(
    [1, 2, 3].map((n) => makeVisitor(key.key, { ip: `198.51.100.${n}` })),
  )
  await setVisitorBlocked(tenant.scope, a!.scope.visitor.visitorId, true)
  await expect(use(a!.token)).rejects.toMatchObject(refused)
  const { sessions } = await getIncident(tenant.scope, key.id)
  expect(sessions.filter((session) => session.isBlocked).map(({ id }) => id)).toEqual([
    a!.sessionId,
  ])
  await setVisitorBlocked(tenant.scope, a!.scope.visitor.visitorId, false)
  await expect(use(a!.token)).rejects.toMatchObject(refused)
  await endSession(tenant.scope, b!.sessionId)
  await expect(use(b!.token)).rejects.toMatchObject(refused)
  await use(c!.token)
  expect(await endAllSessions(tenant.scope, key.id)).toEqual({ ended: 1 })
  await expect(use(c!.token)).rejects.toMatchObject(refused)
})

test("the screen shows who came, from where, and what was refused", async () => {
  await makeVisitor(key.key, { ip: "198.51.100.20" })
  await makeVisitor(key.key, { ip: "198.51.100.20" })
  await makeVisitor(key.key, { ip: "198.51.100.21" })
  await sellTicket({ key: key.key, origin: "https://evil.example", ip: "203.0.113.5" }).catch(
    () => {},
  )
  const incident = await getIncident(tenant.scope, key.id)
  expect(incident.hours).toHaveLength(24)
  expect(incident.hours.at(-1)).toMatchObject({ sessions: 3, refusals: 1 })
  expect(incident.websites).toEqual([{ origin: shopOrigin, sessions: 3 }])
  expect(incident.addresses[0]).toEqual({ address: "198.51.100.20", sessions: 2, isBlocked: false })
  expect(incident.refusals).toEqual([{ reason: "origin_refused", count: 1 }])
  expect(incident.sessions).toHaveLength(3)
})

test("another tenant, and a member without the right, can do none of it", async () => {
  const visitor = await makeVisitor(key.key)
  const other = await makeTenant()
  const missing = { code: "not_found" }
  await expect(getIncident(other.scope, key.id)).rejects.toMatchObject(missing)
  await expect(endSession(other.scope, visitor.sessionId)).rejects.toMatchObject(missing)
  await expect(blockNetwork(other.scope, key.id, "203.0.113.0/24")).rejects.toMatchObject(missing)
  const member = scopeAs(tenant, "member")
  await expect(endAllSessions(member, key.id)).rejects.toMatchObject({ code: "forbidden" })
  await use(visitor.token)
})

test("a range that would lock half the internet out is not one", () => {
  for (const good of ["203.0.113.7", "10.0.0.0/8", "2001:db8::/32", "::1"])
    expect(isNetwork(good), good).toBe(true)
  for (const bad of [
    "0.0.0.0/0",
    "10.0.0.0/7",
    "::/0",
    "203.0.113.7/33",
    "x",
    "203.0.113.7/",
    "1.2.3",
  ])
    expect(isNetwork(bad), bad).toBe(false)
})
