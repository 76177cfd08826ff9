import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { olderThan, type Page, type PageInput, toPage } from "#lib/tenancy/page.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import type { BotView } from "./schema.ts"

export type BotRow = NonNullable<Awaited<ReturnType<Tx["bot"]["findFirst"]>>>

export function toBotView(row: BotRow): BotView {
  return {
    id: row.id,
    name: row.name,
    instructions: row.instructions,
    greeting: row.greeting,
    color: row.color,
    position: row.position === "left" ? "left" : "right",
    label: row.label,
    locale: row.locale,
    starters: Array.isArray(row.starters) ? row.starters.map(String) : [],
    limitNote: row.limitNote,
    published: row.isPublished,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

/** The tenant's bots, newest first. */
export async function listBots(scope: TenantScope, page: PageInput = {}): Promise<Page<BotView>> {
  allow(scope, "bots.read")
  const limit = page.limit ?? 50
  const rows = await withTenant(scope, (tx) =>
    tx.bot.findMany({
      where: olderThan("createdAt", page.cursor),
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    }),
  )
  return toPage(rows, limit, (row) => row.createdAt, toBotView)
}

/** One bot; throws `not_found`. */
export async function getBot(scope: TenantScope, botId: string): Promise<BotView> {
  allow(scope, "bots.read")
  return withTenant(scope, async (tx) => toBotView(await requireBot(tx, botId)))
}

/** The bot's row inside a transaction; throws `not_found` for what is not there or not yours. */
export async function requireBot(tx: Tx, botId: string): Promise<BotRow> {
  const row = await tx.bot.findFirst({ where: { id: botId } })
  if (!row) throw fail("not_found")
  return row
}

/** The id, once the bot is known to be there and yours; throws `not_found`. */
export async function requireBotId(scope: TenantScope, botId: string): Promise<string> {
  return withTenant(scope, async (tx) => (await requireBot(tx, botId)).id)
}
