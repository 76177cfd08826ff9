import { botCheckModes } from "#lib/bot-check/schema.ts"
import { requireBot } from "#lib/bots/queries.ts"
import { fail } from "#lib/errors.ts"
import { effectiveLimits, type KeyLimits } from "#lib/limits/schema.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { olderThan, type Page, type PageInput, toPage } from "#lib/tenancy/page.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { formatEmbedKey } from "./embed-key.ts"
import type { ApiKeyView, EmbedKeyView, RefusalView, SiteView } from "./schema.ts"

export type EmbedKeyRow = NonNullable<Awaited<ReturnType<Tx["embedKey"]["findFirst"]>>>

/** Views of these keys in their order, with websites, bots and last use: four reads for any number. */
export async function toEmbedKeyViews(tx: Tx, rows: EmbedKeyRow[]): Promise<EmbedKeyView[]> {
  const keyId = { in: rows.map((row) => row.id) }
  const origins = await tx.embedKeyOrigin.findMany({
    where: { keyId },
    orderBy: { createdAt: "asc" },
  })
  const bots = await tx.embedKeyBot.findMany({ where: { keyId }, orderBy: { ordinal: "asc" } })
  const sites = await tx.site.findMany({ where: { keyId }, orderBy: { lastSeenAt: "desc" } })
  const tools = await tx.embedKeyTool.findMany({ where: { keyId }, orderBy: { toolId: "asc" } })
  return rows.map((row) => {
    const mode = row.mode === "test" ? "test" : "live"
    return {
      id: row.id,
      key: formatEmbedKey({ mode, keyId: row.id, random: row.random }),
      name: row.name,
      mode,
      status: row.status === "active" ? "active" : "disabled",
      allowedOrigins: origins.filter((o) => o.keyId === row.id).map((o) => o.pattern),
      botIds: bots.filter((b) => b.keyId === row.id).map((b) => b.botId),
      limits: effectiveLimits(mode, row.limits as Partial<KeyLimits>),
      botCheck: botCheckModes.find((botCheck) => botCheck === row.botCheck) ?? "always",
      botCheckRaisedUntil: toFuture(row.botCheckRaisedUntil),
      tools: tools.filter((t) => t.keyId === row.id).map((t) => t.toolId),
      previousExpiresAt: toFuture(row.previousExpiresAt),
      createdAt: row.createdAt.toISOString(),
      lastSeenAt: sites.find((s) => s.keyId === row.id)?.lastSeenAt.toISOString() ?? null,
    }
  })
}

const toFuture = (at: Date | null) => (at && at > new Date() ? at.toISOString() : null)

/** The keys that open this bot, newest first; our built-in preview keys are not among them. */
export async function listEmbedKeys(
  scope: TenantScope,
  botId: string,
  page: PageInput = {},
): Promise<Page<EmbedKeyView>> {
  allow(scope, "keys.read")
  const limit = page.limit ?? 50
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const links = await tx.embedKeyBot.findMany({ where: { botId } })
    const rows = await tx.embedKey.findMany({
      where: {
        id: { in: links.map((l) => l.keyId) },
        purpose: "site",
        ...olderThan("createdAt", page.cursor),
      },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    })
    const { data, nextCursor } = toPage(
      rows,
      limit,
      (row) => row.createdAt,
      (row) => row,
    )
    return { data: await toEmbedKeyViews(tx, data), nextCursor }
  })
}

/** The same, locked: changes of one key queue instead of overwriting each other. */
export async function lockEmbedKey(tx: Tx, keyId: string): Promise<EmbedKeyRow> {
  await tx.$queryRaw`select id from public.embed_keys where id = ${keyId} for update`
  return requireEmbedKey(tx, keyId)
}

/** The key's row inside a transaction; throws `not_found`. */
export async function requireEmbedKey(tx: Tx, keyId: string): Promise<EmbedKeyRow> {
  const row = await tx.embedKey.findFirst({ where: { id: keyId, purpose: "site" } })
  if (!row) throw fail("not_found")
  return row
}

export async function getEmbedKey(scope: TenantScope, keyId: string): Promise<EmbedKeyView> {
  allow(scope, "keys.read")
  return withTenant(scope, async (tx) => {
    const [view] = await toEmbedKeyViews(tx, [await requireEmbedKey(tx, keyId)])
    return view!
  })
}

/** Where the key was really used, latest first. */
export async function listSites(scope: TenantScope, keyId: string): Promise<SiteView[]> {
  allow(scope, "keys.read")
  return withTenant(scope, async (tx) => {
    const key = await requireEmbedKey(tx, keyId)
    const rows = await tx.site.findMany({
      where: { keyId },
      orderBy: { lastSeenAt: "desc" },
      take: 200,
    })
    return rows.map((row) => ({
      origin: row.origin,
      lastSeenAt: row.lastSeenAt.toISOString(),
      hasOldKey: row.keyVersion < key.version,
    }))
  })
}

/** What was refused on this key in the last 30 days, by website and reason, latest first. */
export async function listRefusals(scope: TenantScope, keyId: string): Promise<RefusalView[]> {
  allow(scope, "keys.read")
  return withTenant(scope, async (tx) => {
    await requireEmbedKey(tx, keyId)
    const rows = await tx.refusal.groupBy({
      by: ["origin", "reason"],
      where: { keyId, hour: { gte: new Date(Date.now() - 30 * 86_400_000) } },
      _sum: { count: true },
      _max: { lastAt: true },
    })
    return rows
      .map((row) => ({
        origin: row.origin || null,
        reason: row.reason,
        count: row._sum?.count ?? 0,
        lastAt: (row._max?.lastAt ?? new Date(0)).toISOString(),
      }))
      .sort((a, b) => b.lastAt.localeCompare(a.lastAt))
      .slice(0, 100)
  })
}

type ApiKeyRow = NonNullable<Awaited<ReturnType<Tx["apiKey"]["findFirst"]>>>

export function toApiKeyView(row: ApiKeyRow): ApiKeyView {
  return {
    id: row.id,
    name: row.name,
    lastFour: row.lastFour,
    scopes: Array.isArray(row.scopes) ? row.scopes.map(String) : [],
    defaultBotId: row.defaultBotId,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  }
}

/** API keys without their secrets, newest first. */
export async function listApiKeys(
  scope: TenantScope,
  page: PageInput = {},
): Promise<Page<ApiKeyView>> {
  allow(scope, "apiKeys.read")
  const limit = page.limit ?? 50
  const rows = await withTenant(scope, (tx) =>
    tx.apiKey.findMany({
      where: olderThan("createdAt", page.cursor),
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    }),
  )
  return toPage(rows, limit, (row) => row.createdAt, toApiKeyView)
}
