import { newId } from "#lib/ids.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"

export type Usage = {
  kind?: "chat" | "embedding"
  model: string
  inputTokens: number
  outputTokens: number
  /** True when the provider did not say: a cut stream reports nothing. */
  isEstimated: boolean
  costNanos: bigint
}

/**
 * Appends one model call to the ledger, in the caller's transaction: a visitor's, or a member's trial of
 * `botId`, which belongs to no message.
 */
export async function recordUsage(
  tx: Tx,
  scope: TenantScope,
  {
    botId,
    ...usage
  }: Usage & ({ messageId: string; botId?: never } | { messageId: null; botId: string }),
): Promise<void> {
  // createMany: a visitor's scope may add to the ledger and never read it back.
  await tx.usageEntry.createMany({
    data: [
      {
        id: newId("usage"),
        tenantId: scope.tenantId,
        botId: scope.visitor?.botId ?? botId ?? "",
        keyId: scope.visitor?.keyId ?? null,
        sessionId: scope.visitor?.sessionId ?? null,
        kind: "chat",
        ...usage,
      },
    ],
  })
}
