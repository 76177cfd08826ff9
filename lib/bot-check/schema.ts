import { z } from "zod"

/** When a key asks visitors' browsers for a proof of work: never, for each new session, or on suspicion. */
export const botCheckModes = ["off", "always", "suspicious"] as const
export type BotCheckMode = (typeof botCheckModes)[number]

const short = z.string().max(200)

/** A challenge as lib/bot-check made it (ALTCHA, version 2) with its solution, as the frame sends it back. */
export const botCheckProof = z.strictObject({
  challenge: z.strictObject({
    parameters: z.strictObject({
      algorithm: short,
      nonce: short,
      salt: short,
      cost: z.number(),
      keyLength: z.number(),
      keyPrefix: short,
      keySignature: short,
      expiresAt: z.number(),
      data: z.strictObject({ ticket: short }),
    }),
    signature: short,
  }),
  solution: z.strictObject({ counter: z.number(), derivedKey: short }),
  /** Where the deployment uses Turnstile: what its script gave. */
  turnstileToken: z.string().max(2_048).optional(),
})
export type BotCheckProof = z.infer<typeof botCheckProof>
