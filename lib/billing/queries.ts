import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import type { CostView, UsageDay } from "./schema.ts"

/** What the models used, by UTC day and bot, latest day first. */
export async function getUsage(
  scope: TenantScope,
  { days = 30 } = {},
): Promise<{ days: UsageDay[] }> {
  allow(scope, "usage.read")
  const from = new Date(Date.now() - Math.min(days, 366) * 86_400_000)
  const rows = await withTenant(
    scope,
    (tx) => tx.$queryRaw<UsageDay[]>`
      select to_char(u.created_at at time zone 'UTC', 'YYYY-MM-DD') as date, u.bot_id as "botId",
        count(*) filter (where u.kind = 'chat')::int as messages, sum(u.input_tokens)::int as "inputTokens",
        sum(u.output_tokens)::int as "outputTokens",
        ceil(sum(u.cost_nanos) / 1000000000.0)::int as "costMinor"
      from public.usage_entries u
      where u.tenant_id = ${scope.tenantId} and u.created_at >= ${from}
      group by 1, 2 order by 1 desc, 2`,
  )
  return { days: rows }
}

/** What that cost, each sum rounded up once: adding up rounded days would show cents that nobody spent. */
export async function getCost(scope: TenantScope, { days = 30 } = {}): Promise<CostView> {
  allow(scope, "usage.read")
  const from = new Date(Date.now() - Math.min(days, 366) * 86_400_000)
  const rows = await withTenant(
    scope,
    (tx) => tx.$queryRaw<{ date: string | null; botId: string | null; costMinor: number }[]>`
      select to_char(u.created_at at time zone 'UTC', 'YYYY-MM-DD') as date, u.bot_id as "botId",
        ceil(sum(u.cost_nanos) / 1000000000.0)::int as "costMinor"
      from public.usage_entries u
      where u.tenant_id = ${scope.tenantId} and u.created_at >= ${from}
      group by grouping sets ((1), (2), ())`,
  )
  return {
    totalMinor: rows.find((row) => row.date === null && row.botId === null)?.costMinor ?? 0,
    days: rows.flatMap(({ date, costMinor }) => (date ? [{ date, costMinor }] : [])),
    bots: rows.flatMap(({ botId, costMinor }) => (botId ? [{ botId, costMinor }] : [])),
  }
}
