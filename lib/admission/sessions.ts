import { isPassed } from "#lib/bot-check/check.ts"
import { env } from "#lib/env.ts"
import { Failure, fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { toAddress } from "#lib/limits/client-ip.ts"
import { hashSecret, newSecret } from "#lib/secrets.ts"
import { callAsTenant, signSetting, type Tx, withTenant } from "#lib/tenancy/database.ts"
import {
  type AdmissionBot,
  countRefusal,
  countSessionRefusal,
  findEmbedKey,
  findLiveSessions,
  type LiveEmbedKey,
} from "#lib/tenancy/directory.ts"
import {
  scopeFromAdmission,
  scopeFromSession,
  type TenantScope,
  type VisitorScope,
} from "#lib/tenancy/scope.ts"
import {
  sessionTokenSeconds,
  signSessionToken,
  type TicketClaims,
  verifySessionToken,
  verifyTicket,
} from "#lib/tokens/tokens.ts"
import type { SessionInput } from "./schema.ts"

// Guarantees: a ticket buys one session once, across all processes, and only while everything it was
// bought under still stands. A session is re-read from its rows on every request: nothing is cached.

const visitorIdleMs = 30 * 86_400_000
/** For how long a session that passed the bot check renews without another. */
const botCheckMs = 86_400_000

export type OpenedSession = {
  token: string
  expiresIn: number
  sessionId: string
  visitorId: string
  visitorSecret: string
  /** True when a visitor secret was accepted: there may be a transcript. */
  isReturning: boolean
  bot: AdmissionBot
  origin: string
  mode: "live" | "test"
  scope: VisitorScope
}

/** Where and on what a visitor reads: claims of the page, kept only where they fit the proven origin. */
type PageFacts = {
  pageUrl: string | null
  pageTitle: string | null
  language: string | null
  device: string | null
  address: string | null
}

/**
 * Spends a ticket. A visitor secret resumes that visitor (same bot, same origin, seen within 30 days) and
 * keeps the session id while the session still stands. Throws `unauthorized` for a ticket that is spent,
 * late, forged, or bought under something since switched off, and `bot_check_required` for one that has to
 * be worked for and was not.
 */
export async function redeemTicket(
  input: SessionInput,
  client: { ip: string; userAgent: string | null; origin: string | null },
): Promise<OpenedSession> {
  requireOwnOrigin(client.origin)
  const ticket = await verifyTicket(input.ticket)
  const { key, bot } = await requireGround(ticket, toAddress(client.ip))
  const admission = scopeFromAdmission({ tenantId: ticket.tenantId, keyId: ticket.keyId })
  const facts = readPageFacts(input, ticket.origin, client)
  // Before the transaction: it may ask a verifier elsewhere.
  const hasPassed = ticket.botCheck ? await isPassed(ticket.ticketId, input.botCheck) : false
  const open = input.visitorSecret ? openAgain : openNew
  const opened = await open(admission, ticket, { input, facts, hasPassed }).catch(async (error) => {
    if (error instanceof Failure && error.code === "bot_check_required")
      await countRefusal(ticket.keyId, "bot_check", ticket.origin, facts.address)
    throw error
  })
  const { sessionId, visitor, isReturning } = opened
  return {
    token: await signSessionToken(sessionId),
    expiresIn: sessionTokenSeconds,
    sessionId,
    visitorId: visitor.id,
    visitorSecret: visitor.secret,
    isReturning,
    bot,
    origin: ticket.origin,
    mode: key.mode,
    scope: scopeFromSession({
      tenantId: ticket.tenantId,
      sessionId,
      botId: ticket.botId,
      visitorId: visitor.id,
      keyId: ticket.keyId,
      origin: ticket.origin,
      kind: ticket.kind,
      ip: client.ip,
    }),
  }
}

type Opening = { input: SessionInput; facts: PageFacts; hasPassed: boolean }
type Opened = { sessionId: string; visitor: { id: string; secret: string }; isReturning: boolean }

/** A visitor's first session: one round trip, because every page view that opens the chat comes this way. */
async function openNew(
  admission: TenantScope,
  ticket: TicketClaims,
  { facts, hasPassed }: Opening,
): Promise<Opened> {
  if (ticket.botCheck && !hasPassed) throw fail("bot_check_required")
  const visitor = { id: newId("visitor"), secret: newSecret(24), isNew: true }
  const session = { id: newId("session"), isNew: true }
  const [row] = await callAsTenant<{ is_open: boolean }>(
    admission,
    "open_session",
    "select sec.open_session($1, $2, $3, $4, $5) as is_open",
    toArguments(ticket, { visitor, session, facts, hasPassed }),
  )
  if (!row?.is_open) throw fail("unauthorized")
  return { sessionId: session.id, visitor, isReturning: false }
}

/** The same for a browser that shows a visitor secret: known or not, one transaction decides. */
async function openAgain(
  admission: TenantScope,
  ticket: TicketClaims,
  { input, facts, hasPassed }: Opening,
): Promise<Opened> {
  return withTenant(admission, async (tx) => {
    const returning = await findVisitor(tx, ticket, input.visitorSecret)
    const visitor = returning
      ? { id: returning.id, secret: input.visitorSecret!, isNew: false }
      : { id: newId("visitor"), secret: newSecret(24), isNew: true }
    const known = returning
      ? await renewSession(tx, ticket, returning.id, { ...facts, hasPassed })
      : null
    if (ticket.botCheck && !hasPassed && !(ticket.botCheck === "normal" && known?.isTrusted))
      throw fail("bot_check_required")
    const session = { id: known?.id ?? newId("session"), isNew: !known }
    const [about, who, what] = toArguments(ticket, { visitor, session, facts, hasPassed })
    const mac = signSetting(admission.tenantId, "", "")
    const [row] = await tx.$queryRaw<{ is_open: boolean }[]>`
      select sec.open_session(${admission.tenantId}, ${mac}, ${about}::jsonb, ${who}::jsonb, ${what}::jsonb) as is_open`
    if (!row?.is_open) throw fail("unauthorized")
    return { sessionId: session.id, visitor, isReturning: returning !== null }
  })
}

/** Re-reads what the ticket was bought under: key, version, bot, origin line, and no switch-off since. */
async function requireGround(
  ticket: TicketClaims,
  address: string | null,
): Promise<{ key: LiveEmbedKey; bot: AdmissionBot }> {
  const key = await findEmbedKey(ticket.keyId, { version: ticket.keyVersion })
  const bot = key?.bots.find((b) => b.id === ticket.botId)
  const isAdmitted =
    ticket.kind === "page"
      ? key?.origins.some((rule) => rule.id === ticket.originRuleId)
      : key?.purpose === "preview"
  if (
    !key ||
    !bot ||
    !isAdmitted ||
    bot.stamp !== ticket.stamp ||
    key.tenantId !== ticket.tenantId
  ) {
    await countRefusal(ticket.keyId, "ticket_dead", ticket.origin, address)
    throw fail("unauthorized")
  }
  return { key, bot }
}

async function findVisitor(tx: Tx, ticket: TicketClaims, secret: string | undefined) {
  if (!secret) return null
  const row = await tx.visitor.findFirst({
    where: { botId: ticket.botId, origin: ticket.origin, secretHash: hashSecret(secret) },
  })
  if (row?.blockedAt) throw fail("unauthorized")
  return row && Date.now() - row.lastSeenAt.getTime() < visitorIdleMs ? row : null
}

/**
 * The visitor's session on this key and origin, renewed; null when there is none that still stands. One
 * bought under an older stamp is ended, not renewed: its cut-off tokens must stay dead.
 */
async function renewSession(
  tx: Tx,
  ticket: TicketClaims,
  visitorId: string,
  { hasPassed, ...facts }: PageFacts & { hasPassed: boolean },
) {
  const row = await tx.session.findFirst({
    where: { visitorId, keyId: ticket.keyId, origin: ticket.origin, endedAt: null },
    orderBy: { createdAt: "desc" },
  })
  await tx.visitor.update({ where: { id: visitorId }, data: { lastSeenAt: new Date() } })
  if (!row) return null
  // Live by the very check its tokens pass: one that was cut off, by a rotation too, is never revived.
  const live = await tx.$queryRaw`select 1 from directory.find_live_sessions(array[${row.id}])`
  const isSame = row.stamp === ticket.stamp && row.originRuleId === ticket.originRuleId
  const stands = isSame && Array.isArray(live) && live.length === 1
  await tx.session.update({
    where: { id: row.id },
    data: stands
      ? {
          renewedAt: new Date(),
          keyVersion: ticket.keyVersion,
          ...facts,
          ...(hasPassed && { botCheckedAt: new Date() }),
        }
      : { endedAt: new Date() },
  })
  if (!stands) return null
  const isTrusted = Date.now() - (row.botCheckedAt?.getTime() ?? 0) < botCheckMs
  return { id: row.id, isTrusted }
}

type Redemption = {
  visitor: { id: string; secret: string; isNew: boolean }
  session: { id: string; isNew: boolean }
  facts: PageFacts
  hasPassed: boolean
}

/** The arguments of `sec.open_session` beside tenant and MAC: one statement for all rows of a redemption. */
function toArguments(
  ticket: TicketClaims,
  { visitor, session, facts, hasPassed }: Redemption,
): string[] {
  const { ticketId, tenantId: _, ...rest } = ticket
  return [
    { id: ticketId, ...rest },
    { id: visitor.id, isNew: visitor.isNew, secretHash: hashSecret(visitor.secret) },
    { ...session, ...facts, hasPassed },
  ].map((part) => JSON.stringify(part))
}

function readPageFacts(
  input: SessionInput,
  origin: string,
  client: { ip: string; userAgent: string | null },
): PageFacts {
  const url = input.page?.url && URL.canParse(input.page.url) ? new URL(input.page.url) : null
  const isOwn = url?.origin === origin
  return {
    // Query and fragment may carry the visitor's own secrets.
    pageUrl: isOwn ? url.origin + url.pathname : null,
    pageTitle: isOwn
      ? (input.page?.title?.replace(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 200) ?? null)
      : null,
    language: input.page?.language ?? null,
    device: readDevice(client.userAgent),
    address: toAddress(client.ip),
  }
}

/** "Phone", "Tablet" or "Computer": all that an owner needs of a User-Agent. */
export function readDevice(userAgent: string | null): string | null {
  if (!userAgent) return null
  if (/iPad|Tablet|Android(?!.*Mobile)/i.test(userAgent)) return "Tablet"
  return /Mobi|iPhone|Android/i.test(userAgent) ? "Phone" : "Computer"
}

/**
 * The scope a session token opens right now. `origin` is the request's Origin header: the caller is our
 * own frame, so it must be ours. Throws `unauthorized` when anything the session stands on is gone.
 */
export async function authenticateSession(
  token: string,
  request: { origin: string | null; ip: string },
): Promise<{ scope: VisitorScope; limits: Record<string, number>; mode: "live" | "test" }> {
  const { sessionId } = await verifySessionToken(token)
  if (
    request.origin !== null &&
    request.origin !== env.WIDGET_URL &&
    request.origin !== env.APP_URL
  ) {
    throw fail("unauthorized")
  }
  const [session] = await findLiveSessions([sessionId])
  if (!session) {
    await countSessionRefusal(sessionId, "session_dead")
    throw fail("unauthorized")
  }
  const { limits, mode, botName: _, ...claims } = session
  return { scope: scopeFromSession({ ...claims, ip: request.ip }), limits, mode }
}

/** These calls come from our own frame. A GET of the same origin carries no Origin; any other is not ours. */
function requireOwnOrigin(origin: string | null): void {
  if (origin !== null && origin !== env.WIDGET_URL && origin !== env.APP_URL)
    throw fail("unauthorized")
}
