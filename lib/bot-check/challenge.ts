import { createChallenge as makeChallenge, verifySolution } from "altcha-lib"
import { deriveKey } from "altcha-lib/algorithms/pbkdf2"
import { env } from "#lib/env.ts"
import { deriveSecrets, ticketSeconds } from "#lib/tokens/tokens.ts"
import type { BotCheckProof } from "./schema.ts"
import { hasTurnstile } from "./turnstile.ts"

// Guarantees: a challenge is signed over one ticket's id and dies with that ticket. Its solution is worth one
// session, because a ticket is.

export type BotCheckLevel = "normal" | "high"

/**
 * What a solution costs: the solver tries counters up from 0, each one PBKDF2 of `cost` rounds. In Chromium
 * on a computer 0.1 s at the normal level and 0.6 s at the high one; on a slow phone 1 s and 3 s. A program
 * pays about the same in processor time: 0.1 s and 1 s a session.
 */
export const work = {
  normal: { cost: 300, minCounter: 500, maxCounter: 1_500 },
  high: { cost: 1_000, minCounter: 2_000, maxCounter: 5_000 },
} as const satisfies Record<BotCheckLevel, object>

/** What the ticket's answer carries for the frame. */
export type BotCheckRequest = {
  challenge: BotCheckProof["challenge"]
  /** False: a session that has passed may leave it unsolved when it renews. */
  isStrict: boolean
  turnstileSiteKey?: string
}

/** A challenge for one ticket. */
export async function createChallenge(
  ticketId: string,
  level: BotCheckLevel,
): Promise<BotCheckRequest> {
  const { cost, minCounter, maxCounter } = work[level]
  const [secret] = deriveSecrets("bot check")
  const challenge = await makeChallenge({
    algorithm: "PBKDF2/SHA-256",
    deriveKey,
    cost,
    counter: randomBetween(minCounter, maxCounter),
    expiresAt: Math.floor(Date.now() / 1000) + ticketSeconds,
    data: { ticket: ticketId },
    hmacSignatureSecret: secret!,
    hmacKeySignatureSecret: secret!,
  })
  return {
    challenge: challenge as BotCheckProof["challenge"],
    isStrict: level === "high",
    ...(hasTurnstile() && { turnstileSiteKey: env.TURNSTILE_SITE_KEY! }),
  }
}

/** True for the solution of a challenge that was made for exactly this ticket and is still in time. */
export async function isSolved(ticketId: string, proof: BotCheckProof): Promise<boolean> {
  if (proof.challenge.parameters.data.ticket !== ticketId) return false
  for (const secret of deriveSecrets("bot check")) {
    const { challenge, solution } = proof
    const { verified } = await verifySolution({
      challenge,
      solution: { ...solution, time: 0 },
      deriveKey,
      hmacSignatureSecret: secret,
      hmacKeySignatureSecret: secret,
    })
    if (verified) return true
  }
  return false
}

function randomBetween(min: number, max: number): number {
  const [random] = crypto.getRandomValues(new Uint32Array(1))
  return min + (random! % (max - min + 1))
}
