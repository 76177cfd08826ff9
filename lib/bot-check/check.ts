import { takeRates } from "#lib/limits/rates.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import type { LiveEmbedKey } from "#lib/tenancy/directory.ts"
import { type BotCheckLevel, isSolved } from "./challenge.ts"
import type { BotCheckProof } from "./schema.ts"
import { chooseLevel, findSuspicion, noteTicket } from "./suspicion.ts"
import { hasTurnstile, isTurnstileAway, verifyTurnstile } from "./turnstile.ts"

/** Whether this ticket has to be worked for, and how hard: decided once, when it is sold. */
export async function decideLevel(
  key: Pick<LiveEmbedKey, "keyId" | "mode" | "limits" | "botCheck" | "isCheckRaised">,
  address: string | null,
): Promise<BotCheckLevel | null> {
  // Risen by itself: this key's traffic is suspicious as a whole, whatever its owner chose for quiet days.
  const mode = key.botCheck === "off" && key.isCheckRaised ? "suspicious" : key.botCheck
  if (mode === "off") return null
  const signals = await noteTicket(key.keyId, address)
  const suspicion = findSuspicion(signals, effectiveLimits(key.mode, key.limits))
  return chooseLevel(mode, suspicion ?? (key.isCheckRaised ? "key" : null))
}

/**
 * True when the frame proved its work for this ticket, and, where Turnstile is configured, Turnstile passed
 * it or is away. The work comes first: whoever has not done it makes us call nobody.
 */
export async function isPassed(
  ticketId: string,
  proof: BotCheckProof | undefined,
): Promise<boolean> {
  if (!proof || !(await isSolved(ticketId, proof))) return false
  if (!hasTurnstile()) return true
  const { turnstileToken } = proof
  if (!turnstileToken) return isTurnstileAway()
  // One solved challenge must not become a stream of calls to the verifier.
  await takeRates([{ rate: "botCheck.ticket", subject: ticketId }])
  return (await verifyTurnstile(turnstileToken, ticketId)) !== "refused"
}
