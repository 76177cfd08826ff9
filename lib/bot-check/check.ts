import { takeRates } from "#lib/limits/rates.ts"
import { effectiveLimits, type KeyLimits } from "#lib/limits/schema.ts"
import { type BotCheckLevel, isSolved } from "./challenge.ts"
import type { BotCheckMode, BotCheckProof } from "./schema.ts"
import { chooseLevel, findSuspicion, noteTicket } from "./suspicion.ts"
import { hasTurnstile, isTurnstileAway, verifyTurnstile } from "./turnstile.ts"

/** Whether this ticket has to be worked for, and how hard: decided once, when it is sold. */
export async function decideLevel(
  key: { keyId: string; mode: "live" | "test"; limits: Partial<KeyLimits>; botCheck: BotCheckMode },
  address: string | null,
): Promise<BotCheckLevel | null> {
  if (key.botCheck === "off") return null
  const signals = await noteTicket(key.keyId, address)
  return chooseLevel(key.botCheck, findSuspicion(signals, effectiveLimits(key.mode, key.limits)))
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
