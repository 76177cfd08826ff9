import { setTimeout as wait } from "node:timers/promises"
import { type BotCheckRequest, createChallenge } from "#lib/bot-check/challenge.ts"
import { decideLevel } from "#lib/bot-check/check.ts"
import { requireBot } from "#lib/bots/queries.ts"
import { env } from "#lib/env.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { reportLeakedApiKey } from "#lib/keys/api-keys.ts"
import { formatEmbedKey, newEmbedKey, parseEmbedKey } from "#lib/keys/embed-key.ts"
import { findOriginRule, frameAncestors, parseOrigin } from "#lib/keys/origin.ts"
import { toAddress } from "#lib/limits/client-ip.ts"
import { type RateState, takeRates } from "#lib/limits/rates.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import {
  type AdmissionBot,
  countRefusal,
  findEmbedKey,
  type LiveEmbedKey,
} from "#lib/tenancy/directory.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { signTicket, ticketSeconds } from "#lib/tokens/tokens.ts"
import type { LookView } from "./schema.ts"

// Guarantees: a ticket is sold only for a live key, to an origin on that key's list as the browser
// stamped it, within both rates. Our own origins are never on a list: a request from inside our frame
// carries our origin and proves nothing.

const ownOrigins = new Set([env.WIDGET_URL, env.APP_URL])

export type Ticket = { ticket: string; expiresIn: number }
/** With a bot check where the key asks this client for one. */
export type SoldTicket = Ticket & { origin: string; rate: RateState; botCheck?: BotCheckRequest }

async function findLiveKey(key: unknown, ip?: string): Promise<LiveEmbedKey | null> {
  const parts = parseEmbedKey(key)
  if (!parts) return null
  const found = await findEmbedKey(parts.keyId, { random: parts.random }, toAddress(ip))
  return found && found.mode === parts.mode ? found : null
}

function chooseBot(key: LiveEmbedKey, botId: string | undefined): AdmissionBot | null {
  return (botId ? key.bots.find((bot) => bot.id === botId) : key.bots[0]) ?? null
}

/** The public look of a key, for the launcher. A dead key, whatever the reason, answers `{enabled: false}`. */
export async function findLook(key: unknown, botId?: string): Promise<LookView> {
  const found = await findLiveKey(key)
  const bot = found?.purpose === "site" ? chooseBot(found, botId) : null
  if (!bot) return { enabled: false }
  const { name, color, position, label, greeting, locale } = bot
  return { enabled: true, name, color, position, label, greeting, locale }
}

/** Who may frame the widget for this key: a CSP source list, or null for a dead key. */
export async function findFrameAncestors(
  key: unknown,
  via: "page" | "ours",
): Promise<{ ancestors: string; keyId: string } | null> {
  const found = await findLiveKey(key)
  if (!found || found.bots.length === 0) return null
  if (via === "ours") return { ancestors: env.APP_URL, keyId: found.keyId }
  if (found.purpose !== "site") return null
  return { ancestors: frameAncestors(found.origins), keyId: found.keyId }
}

type TicketRequest = {
  key: unknown
  botId?: string | undefined
  origin: string | null
  ip: string
}

/** Longer than any refusal's own work: a refusal is written down for a key that exists and for no other. */
const refusalMs = 30

/**
 * Sells a ticket to a page. `origin` is the request's Origin header. Throws `unauthorized` for a dead key
 * (one answer after one time, whatever the reason), `origin_required`, `origin_refused`, `rate_limited`.
 */
export async function sellTicket(request: TicketRequest): Promise<SoldTicket> {
  const startedAt = performance.now()
  try {
    return await sell(request)
  } catch (error) {
    await wait(Math.ceil(Math.max(0, startedAt + refusalMs - performance.now())))
    throw error
  }
}

async function sell(request: TicketRequest): Promise<SoldTicket> {
  const address = toAddress(request.ip)
  const key = await findLiveKey(request.key, request.ip)
  if (key?.purpose !== "site") {
    const parts = parseEmbedKey(request.key)
    await reportLeakedApiKey(request.key, { website: request.origin, ip: request.ip })
    if (parts) await countRefusal(parts.keyId, "key_dead", parseOrigin(request.origin))
    throw fail("unauthorized")
  }
  if (key.isBlocked) {
    await countRefusal(key.keyId, "address_blocked", parseOrigin(request.origin), address)
    throw fail("unauthorized")
  }
  if (!request.origin) {
    await countRefusal(key.keyId, "origin_required", null, address)
    throw fail("origin_required")
  }
  const origin = parseOrigin(request.origin)
  const rule = origin && !ownOrigins.has(origin) ? findOriginRule(key.origins, origin) : null
  if (!origin || !rule) {
    await countRefusal(key.keyId, "origin_refused", origin, address)
    throw fail("origin_refused")
  }
  const bot = chooseBot(key, request.botId)
  if (!bot) throw fail("unauthorized")
  const limits = effectiveLimits(key.mode, key.limits)
  let rate: RateState
  try {
    rate = await takeRates([
      { rate: "ticket.key", subject: key.keyId, limit: limits.ticketsPerMinute },
      {
        rate: "ticket.ip",
        subject: `${key.keyId}:${request.ip}`,
        limit: limits.ticketsPerMinutePerIp,
      },
    ])
  } catch (error) {
    await countRefusal(key.keyId, "rate_limited", origin, address)
    throw error
  }
  const level = await decideLevel(key, address)
  const ticketId = newId("ticket")
  const ticket = await signTicket({
    ticketId,
    tenantId: key.tenantId,
    keyId: key.keyId,
    keyVersion: key.version,
    botId: bot.id,
    origin,
    originRuleId: rule.id,
    kind: "page",
    stamp: bot.stamp,
    ...(level && { botCheck: level }),
  })
  return {
    ticket,
    expiresIn: ticketSeconds,
    origin,
    rate,
    ...(level && { botCheck: await createChallenge(ticketId, level) }),
  }
}

/** A ticket for a signed-in member's own preview, through a built-in test key of the bot. */
export async function createPreviewTicket(
  scope: TenantScope,
  botId: string,
): Promise<Ticket & { key: string }> {
  allow(scope, "bots.read")
  const { keyId, random } = await withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const links = await tx.embedKeyBot.findMany({ where: { botId } })
    const known = await tx.embedKey.findFirst({
      where: { id: { in: links.map((link) => link.keyId) }, purpose: "preview" },
    })
    if (known) return { keyId: known.id, random: known.random }
    const fresh = newEmbedKey()
    await tx.embedKey.create({
      data: {
        id: fresh.keyId,
        tenantId: scope.tenantId,
        name: "Preview",
        mode: "test",
        purpose: "preview",
        random: fresh.random,
      },
    })
    await tx.embedKeyBot.create({
      data: { tenantId: scope.tenantId, keyId: fresh.keyId, botId, ordinal: 0 },
    })
    return fresh
  })
  return signOwnTicket(formatEmbedKey({ mode: "test", keyId, random }), "preview", botId)
}

/**
 * A ticket for the demo bot on our own landing page, where anyone may ask. Throws `not_configured` when
 * this deployment has no demo.
 */
export async function createLandingTicket(ip: string): Promise<Ticket & { key: string }> {
  if (!env.DEMO) throw fail("not_configured")
  await takeRates([{ rate: "ticket.ip", subject: `landing:${ip}` }])
  return signOwnTicket(env.DEMO, "hosted")
}

/** A ticket for a frame on our own origin, through a bot's built-in key. */
async function signOwnTicket(embedKey: string, kind: "preview" | "hosted", botId?: string) {
  const key = await findLiveKey(embedKey)
  const bot = key?.purpose === "preview" ? chooseBot(key, botId) : null
  if (!key || !bot) throw fail("not_found")
  const ticket = await signTicket({
    ticketId: newId("ticket"),
    tenantId: key.tenantId,
    keyId: key.keyId,
    keyVersion: key.version,
    botId: bot.id,
    origin: env.APP_URL,
    originRuleId: null,
    kind,
    stamp: bot.stamp,
  })
  return { ticket, expiresIn: ticketSeconds, key: embedKey }
}

/** The origin a preflight may be answered with: any well-formed one but ours. The ticket itself is POST's. */
export function findPreflightOrigin(header: string | null): string | null {
  const origin = parseOrigin(header)
  return origin && !ownOrigins.has(origin) ? origin : null
}
