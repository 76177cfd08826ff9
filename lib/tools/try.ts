import { record } from "#lib/audit/record.ts"
import { takeRates } from "#lib/limits/rates.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { requireTool, toToolView } from "./queries.ts"
import { readArguments } from "./request.ts"
import { runTool } from "./run.ts"
import type { ToolTrial } from "./schema.ts"
import { refuse } from "./sealed-headers.ts"

const trialMs = 15_000

/** Calls a tool for its owner, with values of theirs: what a bot would get. One that writes really writes. */
export async function tryTool(
  scope: TenantScope,
  toolId: string,
  given: Record<string, string | number | boolean>,
): Promise<ToolTrial> {
  allow(scope, "bots.write")
  await takeRates([{ rate: "toolTest.tenant", subject: scope.tenantId }])
  const tool = await withTenant(scope, async (tx) => {
    const view = toToolView(await requireTool(tx, toolId))
    if (!view.isEnabled) throw refuse("values", "Switch the tool on first.")
    if (!readArguments(view.parameters, given))
      throw refuse(
        "values",
        "These values do not fit: one is missing, too long or of another kind.",
      )
    // Before the call: what was done is in the log, also when the process dies.
    await record(tx, scope, { action: "tool.tried", target: toolId, after: { name: view.name } })
    return view
  })
  const call = { toolId, arguments: readArguments(tool.parameters, given) ?? {} }
  return runTool(scope, tool.botId, call, AbortSignal.timeout(trialMs))
}
