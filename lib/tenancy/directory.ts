import { fail } from "#lib/errors.ts"
import { callDefiner, pingDatabase, processKinds } from "./database.ts"
import type { MemberPermission, Role } from "./permissions.ts"

// Guarantees: answers "which tenant is this?" before one is known, by exact match only, through the
// definer functions of schema `directory`. Nothing here lists or searches a tenant's content.

/** Who is calling, and are they still good: nobody waits longer than this to hear 503. */
const answerMs = 5_000

export type AdmissionBot = {
  id: string
  name: string
  color: string
  position: "left" | "right"
  label: string | null
  greeting: string
  locale: string | null
  starters: string[]
  limitNote: string
  /** The epochs of tenant, key and bot: a pass bought under another stamp is dead. */
  stamp: string
}

export type LiveEmbedKey = {
  tenantId: string
  keyId: string
  version: number
  mode: "live" | "test"
  purpose: "site" | "preview"
  limits: Record<string, number>
  origins: { id: string; pattern: string }[]
  /** True when the owner keeps the asking address out of this key. */
  isBlocked: boolean
  botCheck: "off" | "always" | "suspicious"
  /** True for the rest of a day of which half went in an unusual hour. */
  isCheckRaised: boolean
  /** Published bots of the key, its default first (a preview key: its bot, published or not). */
  bots: AdmissionBot[]
}

type EmbedKeyRow = {
  tenant_id: string
  key_id: string
  version: number
  mode: "live" | "test"
  purpose: "site" | "preview"
  limits: Record<string, number>
  origins: { id: string; pattern: string }[]
  bots: AdmissionBot[]
  is_blocked: boolean
  bot_check: LiveEmbedKey["botCheck"]
  is_check_raised: boolean
}

/**
 * A key that is alive in every respect, by its random part (as it stands in a page) or its version (as a
 * ticket names it); null says nothing about why.
 */
export async function findEmbedKey(
  keyId: string,
  by: { random: string } | { version: number },
  address: string | null = null,
): Promise<LiveEmbedKey | null> {
  const [row] = await callDefiner<EmbedKeyRow>(
    "find_embed_key",
    "select * from directory.find_embed_key($1, $2, $3, $4)",
    [keyId, "random" in by ? by.random : null, "version" in by ? by.version : null, address],
    answerMs,
  )
  if (!row) return null
  const { tenant_id, key_id, is_blocked, bot_check, is_check_raised, ...rest } = row
  return {
    tenantId: tenant_id,
    keyId: key_id,
    isBlocked: is_blocked,
    botCheck: bot_check,
    isCheckRaised: is_check_raised,
    ...rest,
  }
}

export type LiveSession = {
  sessionId: string
  tenantId: string
  botId: string
  keyId: string
  visitorId: string
  kind: "page" | "preview" | "hosted" | "server"
  origin: string
  mode: "live" | "test"
  limits: Record<string, number>
  botName: string
}

type SessionRow = {
  session_id: string
  tenant_id: string
  bot_id: string
  key_id: string
  visitor_id: string
  kind: LiveSession["kind"]
  origin: string
  mode: "live" | "test"
  limits: Record<string, number>
  bot_name: string
}

/** Which of these sessions are good right now: one indexed read, never cached. */
export async function findLiveSessions(
  sessionIds: string[],
  lane?: "watch",
): Promise<LiveSession[]> {
  const rows = await callDefiner<SessionRow>(
    "find_live_sessions",
    "select * from directory.find_live_sessions($1)",
    [sessionIds],
    answerMs,
    lane,
  )
  return rows.map((row) => ({
    sessionId: row.session_id,
    tenantId: row.tenant_id,
    botId: row.bot_id,
    keyId: row.key_id,
    visitorId: row.visitor_id,
    kind: row.kind,
    origin: row.origin,
    mode: row.mode,
    limits: row.limits,
    botName: row.bot_name,
  }))
}

/** Extends the leases of answers that this process is still writing, under the number it has now. */
export async function renewStreams(
  sessionIds: string[],
  seconds: number,
  holder: number | null,
): Promise<void> {
  const sql = "select directory.renew_streams($1, $2, $3)"
  await callDefiner("renew_streams", sql, [sessionIds, seconds, holder], answerMs, "watch")
}

export type LiveApiKey = {
  tenantId: string
  keyId: string
  name: string
  scopes: MemberPermission[]
  defaultBotId: string | null
}

export async function findApiKey(hash: string): Promise<LiveApiKey | null> {
  const [row] = await callDefiner<{
    tenant_id: string
    key_id: string
    name: string
    scopes: MemberPermission[]
    default_bot_id: string | null
  }>("find_api_key", "select * from directory.find_api_key($1)", [hash], answerMs)
  if (!row) return null
  return {
    tenantId: row.tenant_id,
    keyId: row.key_id,
    name: row.name,
    scopes: row.scopes,
    defaultBotId: row.default_bot_id,
  }
}

/** Notes that an API key was used, at most once a minute. */
export async function touchApiKey(keyId: string): Promise<void> {
  await callDefiner("touch_api_key", "select directory.touch_api_key($1)", [keyId])
}

export type UserRecord = { id: string; name: string; email: string; passwordHash: string }

type UserRow = { id: string; name: string; email: string; password_hash: string }

function toUser(row: UserRow | undefined): UserRecord | null {
  if (!row) return null
  const { password_hash, ...rest } = row
  return { ...rest, passwordHash: password_hash }
}

export async function findUserByEmail(email: string): Promise<UserRecord | null> {
  const sql = "select * from directory.find_user_by_email($1)"
  return toUser((await callDefiner<UserRow>("find_user_by_email", sql, [email]))[0])
}

/** Who is signed in on this browser; null once signed out, or signed out elsewhere. */
export async function findSignedInUser(signInId: string): Promise<UserRecord | null> {
  const sql = "select * from directory.find_signed_in_user($1)"
  return toUser((await callDefiner<UserRow>("find_signed_in_user", sql, [signInId]))[0])
}

export async function createSignIn(
  signInId: string,
  userId: string,
  { days, device }: { days: number; device: string },
): Promise<void> {
  const sql = "select directory.create_sign_in($1, $2, $3, $4)"
  await callDefiner("create_sign_in", sql, [signInId, userId, days, device])
}

/** Notes that a sign-in was used, at most once a minute. */
export async function touchSignIn(signInId: string): Promise<void> {
  await callDefiner("touch_sign_in", "select directory.touch_sign_in($1)", [signInId])
}

export type SignInRecord = { id: string; device: string; createdAt: Date; lastSeenAt: Date }

/** Where the person behind this sign-in is signed in, latest first; nothing once it is over. */
export async function listSignIns(signInId: string): Promise<SignInRecord[]> {
  const rows = await callDefiner<{
    id: string
    device: string
    created_at: Date
    last_seen_at: Date
  }>("list_sign_ins", "select * from directory.list_sign_ins($1)", [signInId])
  return rows.map(({ id, device, created_at, last_seen_at }) => ({
    id,
    device,
    createdAt: created_at,
    lastSeenAt: last_seen_at,
  }))
}

/** Ends a sign-in of the same person; false when it is not theirs, or over. */
export async function endOwnSignIn(signInId: string, endedId: string): Promise<boolean> {
  const sql = "select directory.end_own_sign_in($1, $2) as is_ended"
  const [row] = await callDefiner<{ is_ended: boolean }>("end_own_sign_in", sql, [
    signInId,
    endedId,
  ])
  return row?.is_ended === true
}

/** Whether the password behind a sign-in was given within so many seconds, by the database's clock. */
export async function isConfirmed(signInId: string, seconds: number): Promise<boolean> {
  const sql = "select directory.is_confirmed($1, $2) as is_confirmed"
  const [row] = await callDefiner<{ is_confirmed: boolean }>("is_confirmed", sql, [
    signInId,
    seconds,
  ])
  return row?.is_confirmed === true
}

/** Notes that the password whose hash was just proven was given again. False: changed, or signed out. */
export async function confirmSignIn(signInId: string, hash: string): Promise<boolean> {
  const sql = "select directory.confirm_sign_in($1, $2) as is_confirmed"
  const [row] = await callDefiner<{ is_confirmed: boolean }>("confirm_sign_in", sql, [
    signInId,
    hash,
  ])
  return row?.is_confirmed === true
}

export async function endSignIn(signInId: string): Promise<void> {
  await callDefiner("end_sign_in", "select directory.end_sign_in($1)", [signInId])
}

/** Replaces the password whose hash was just proven, and signs every browser out. False: changed meanwhile. */
export async function setPassword(
  userId: string,
  oldHash: string,
  newHash: string,
): Promise<boolean> {
  const [row] = await callDefiner<{ is_set: boolean }>(
    "set_password",
    "select directory.set_password($1, $2, $3) as is_set",
    [userId, oldHash, newHash],
  )
  return row?.is_set === true
}

export type Membership = {
  tenantId: string
  tenantName: string
  role: Role
  user: { id: string; name: string; email: string }
}

/** The active tenants of whoever is signed in here, re-read on every request. */
export async function listMemberships(signInId: string): Promise<Membership[]> {
  const rows = await callDefiner<{
    tenant_id: string
    tenant_name: string
    role: Role
    user_id: string
    user_name: string
    user_email: string
  }>("list_memberships", "select * from directory.list_memberships($1)", [signInId], answerMs)
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    tenantName: row.tenant_name,
    role: row.role,
    user: { id: row.user_id, name: row.user_name, email: row.user_email },
  }))
}

export type TenantRecord = {
  id: string
  name: string
  status: "active" | "suspended"
  createdAt: Date
}

/** For the operator's list alone. */
export async function listTenants(after: string, limit: number): Promise<TenantRecord[]> {
  const rows = await callDefiner<Omit<TenantRecord, "createdAt"> & { created_at: Date }>(
    "list_tenants",
    "select * from directory.list_tenants($1, $2)",
    [after, limit],
  )
  return rows.map(({ created_at, ...rest }) => ({ ...rest, createdAt: created_at }))
}

/** The tenant of a source, for the worker: jobs carry ids only. */
export async function findSourceTenant(sourceId: string): Promise<string | null> {
  const [row] = await callDefiner<{ tenant_id: string | null }>(
    "find_source_tenant",
    "select directory.find_source_tenant($1) as tenant_id",
    [sourceId],
  )
  return row?.tenant_id ?? null
}

/** Sources that wait or whose worker went silent for so many seconds. */
export async function listUnfinishedSources(idleSeconds: number): Promise<string[]> {
  const rows = await callDefiner<{ source_id: string }>(
    "list_unfinished_sources",
    "select * from directory.list_unfinished_sources($1)",
    [idleSeconds],
  )
  return rows.map((r) => r.source_id)
}

/** Websites whose turn to be read it is, a few of each tenant. */
export async function listDueCrawls(): Promise<{ crawlId: string; tenantId: string }[]> {
  const rows = await callDefiner<{ crawl_id: string; tenant_id: string }>(
    "list_due_crawls",
    "select * from directory.list_due_crawls()",
    [],
  )
  return rows.map((row) => ({ crawlId: row.crawl_id, tenantId: row.tenant_id }))
}

/** Single web pages whose turn to be read again it is. */
export async function listDuePages(): Promise<{ sourceId: string; tenantId: string }[]> {
  const rows = await callDefiner<{ source_id: string; tenant_id: string }>(
    "list_due_pages",
    "select * from directory.list_due_pages()",
    [],
  )
  return rows.map((row) => ({ sourceId: row.source_id, tenantId: row.tenant_id }))
}

/** Sources whose chunks have no vectors of this model yet, a few of each tenant. */
export async function listSourcesToEmbed(
  model: string,
): Promise<{ sourceId: string; tenantId: string }[]> {
  const rows = await callDefiner<{ source_id: string; tenant_id: string }>(
    "list_sources_to_embed",
    "select * from directory.list_sources_to_embed($1)",
    [model],
  )
  return rows.map((row) => ({ sourceId: row.source_id, tenantId: row.tenant_id }))
}

/** Bots of which something was read that is not live before its golden questions are asked. */
export async function listBotsToCheck(): Promise<{ botId: string; tenantId: string }[]> {
  const rows = await callDefiner<{ bot_id: string; tenant_id: string }>(
    "list_bots_to_check",
    "select * from directory.list_bots_to_check()",
    [],
  )
  return rows.map((row) => ({ botId: row.bot_id, tenantId: row.tenant_id }))
}

/** How many sources wait and how many are being read, of all tenants together. */
export async function countQueue(): Promise<{ queued: number; processing: number }> {
  const rows = await callDefiner<{ status: "queued" | "processing"; count: number }>(
    "count_queue",
    "select * from directory.count_queue()",
    [],
  )
  return { queued: 0, processing: 0, ...Object.fromEntries(rows.map((r) => [r.status, r.count])) }
}

/**
 * Counts a refused request on a key, by hour, reason and (up to a cap) website. With an address, that one
 * grows suspicious to the key's bot check.
 */
export async function countRefusal(
  keyId: string,
  reason: string,
  origin: string | null,
  address: string | null = null,
): Promise<void> {
  await callDefiner("count_refusal", "select directory.count_refusal($1, $2, $3, $4)", [
    keyId,
    reason,
    origin,
    address,
  ])
}

/** Counts a request whose session is no longer good, on the key that session was bought with. */
export async function countSessionRefusal(sessionId: string, reason: string): Promise<void> {
  const sql = "select directory.count_session_refusal($1, $2)"
  await callDefiner("count_session_refusal", sql, [sessionId, reason])
}

/**
 * Forgets tickets that expired long ago, rates nobody uses, sessions and empty visitors idle for 30 days, and
 * refusals and daily sums older than 35.
 */
export async function sweepExpired(): Promise<void> {
  await callDefiner("sweep_tickets", "select directory.sweep_tickets()", [])
  await callDefiner("sweep_rates", "select limits.sweep()", [])
  await callDefiner("sweep_idle", "select directory.sweep_idle(5000)", [])
  // Longer than any call may take: what is older belongs to a process that is gone.
  await callDefiner("reclaim", "select limits.reclaim_reservations(300)", [])
}

/** Throws `unavailable` while the database is away. */
export async function requireDatabase(): Promise<void> {
  await pingDatabase().catch((error: Error) => {
    throw fail("unavailable", { internal: error.message })
  })
}

/** Whether a worker is alive on this database. */
export async function hasWorker(): Promise<boolean> {
  const sql = "select limits.list_alive($1) <> '{}' as is_there"
  const [row] = await callDefiner<{ is_there: boolean }>("has_worker", sql, [processKinds.worker])
  return row?.is_there === true
}
