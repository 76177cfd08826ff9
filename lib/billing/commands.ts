import { newId } from "#lib/ids.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"

export type Usage = {
  model: string
  inputTokens: number
  outputTokens: number
  /** True when the provider did not say: a cut stream reports nothing. */
  isEstimated: boolean
  costNanos: bigint
}

/** Appends one model call to the ledger, in the caller's transaction. */
export async function recordUsage(
  tx: Tx,
  scope: VisitorScope,
  usage: Usage & { messageId: string },
): Promise<void> {
  // createMany: a visitor's scope may add to the ledger and never read it back.
  await tx.usageEntry.createMany({
    data: [
      {
        id: newId("usage"),
        tenantId: scope.tenantId,
        botId: scope.visitor.botId,
        keyId: scope.visitor.keyId,
        sessionId: scope.visitor.sessionId,
        kind: "chat",
        ...usage,
      },
    ],
  })
}
