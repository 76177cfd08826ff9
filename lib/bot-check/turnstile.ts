import { z } from "zod"
import { env } from "#lib/env.ts"
import { log } from "#lib/log.ts"

// Cloudflare Turnstile, where the operator configured it. Policy for its outage: the proof of work that every
// challenge carries anyway decides alone, so the chat neither closes nor opens to everyone.

const timeoutMs = 3_000
const probeEveryMs = 10_000

const answerShape = z.object({
  success: z.boolean(),
  hostname: z.string().optional(),
  cdata: z.string().optional(),
})

export function hasTurnstile(): boolean {
  return Boolean(env.TURNSTILE_SITE_KEY && env.TURNSTILE_SECRET_KEY)
}

/**
 * What the verifier says of a token: `passed` only for one that was given to our frame for this ticket;
 * `away` when it does not answer in time, or not as a verifier does.
 */
export async function verifyTurnstile(
  token: string,
  ticketId: string,
): Promise<"passed" | "refused" | "away"> {
  try {
    const response = await fetch(env.TURNSTILE_VERIFY_URL, {
      method: "POST",
      body: new URLSearchParams({ secret: env.TURNSTILE_SECRET_KEY ?? "", response: token }),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    })
    // It answers 200 or 400 with its verdict; anything else is an outage.
    if (response.status !== 200 && response.status !== 400) {
      await response.body?.cancel()
      throw new Error(`status ${response.status}`)
    }
    const answer = answerShape.parse(await response.json())
    const isOurs = answer.hostname === new URL(env.WIDGET_URL).hostname && answer.cdata === ticketId
    return answer.success && isOurs ? "passed" : "refused"
  } catch (error) {
    log.warn({ code: "turnstile_away", reason: (error as Error).message }, "Turnstile is away")
    return "away"
  }
}

let probed: { at: number; answer: Promise<boolean> } | undefined

/**
 * True while the verifier does not answer. For frames that have no token: its script does not load either
 * while Turnstile is away. Asked at most every ten seconds, whoever comes.
 */
export function isTurnstileAway(): Promise<boolean> {
  if (!probed || Date.now() - probed.at > probeEveryMs)
    probed = { at: Date.now(), answer: verifyTurnstile("none", "none").then((a) => a === "away") }
  return probed.answer
}

/** For tests: the next question is a fresh one. */
export function forgetProbe(): void {
  probed = undefined
}
