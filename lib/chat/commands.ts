import { fail } from "#lib/errors.ts"
import { takeRates } from "#lib/limits/rates.ts"
import { reserveMemberSpend } from "#lib/limits/spend.ts"
import { streamModel, worstCaseCost } from "#lib/models/chat-model.ts"
import { findModelFor } from "#lib/models/queries.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { bookTrial } from "./trial.ts"

const question = {
  instructions: "Answer with one word.",
  messages: [{ role: "user" as const, content: "Say hello." }],
}
const shownChars = 60

export type TriedModel = { word: string; inputTokens: number; outputTokens: number }

/**
 * Asks the tenant's own model for one word. Throws `invalid` with what the owner can do about it; never the
 * words of an error, which another server could choose.
 */
export async function tryTenantModel(scope: TenantScope): Promise<TriedModel> {
  allow(scope, "tenant.write")
  await takeRates([{ rate: "modelTest.tenant", subject: scope.tenantId }])
  const model = await findModelFor(scope)
  if (!model?.ownerId) throw fail("not_found")
  const reservation = await reserveMemberSpend(scope, null, worstCaseCost(model, question), {
    isOwnModel: true,
  })
  if (!reservation) throw fail("invalid", "Your spending limit of this month is used up.")
  let text = ""
  let error: unknown = null
  let spent = { inputTokens: 0, outputTokens: 0 }
  for await (const event of streamModel(model, question, AbortSignal.timeout(30_000))) {
    if (event.type === "text") {
      text += event.text
      continue
    }
    error = event.error ?? (event.isAborted ? new Error("too slow") : null)
    spent = event.usage
    await bookTrial(scope, "", { usage: event.usage, reservation })
  }
  const word = text.trim().slice(0, shownChars)
  if (error || !word) throw fail("invalid", explain(error))
  return { word, inputTokens: spent.inputTokens, outputTokens: spent.outputTokens }
}

function explain(error: unknown): string {
  // After a retry the SDK wraps what it met last.
  const { lastError = error } = (error ?? {}) as { lastError?: unknown }
  const { statusCode } = (lastError ?? {}) as { statusCode?: number }
  if (statusCode === 401 || statusCode === 403) return "It refused the key. Enter it again."
  if (statusCode === 404) return "It does not know this model or address. Check both."
  if (statusCode === 429) return "It says that you ask too often, or that its credit is used up."
  if (statusCode) return `It answered with the error ${statusCode}.`
  return error
    ? "It could not be reached, or it did not answer in its own language."
    : "It said nothing."
}
