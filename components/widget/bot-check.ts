import type { BotCheck } from "../../lib/embed/protocol.ts"

/** What the counter gets back: its challenge, the answer, and Turnstile's word where it was asked. */
export type Proof = {
  challenge: BotCheck["challenge"]
  solution: Solution
  turnstileToken?: string
}
type Solution = { counter: number; derivedKey: string }

/** A ticket lives for a minute; the work of a slow phone must not outlive it. */
const patienceMs = 55_000
const turnstileMs = 20_000
const turnstileScript = "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit"

/**
 * Works off a challenge while the visitor types. Null when it can't be done in time or in this browser: the
 * counter decides what that means.
 */
export async function passBotCheck({
  challenge,
  turnstileSiteKey,
}: BotCheck): Promise<Proof | null> {
  const [solution, turnstileToken] = await Promise.all([
    solveChallenge(challenge).catch(() => null),
    turnstileSiteKey && askTurnstile(turnstileSiteKey, challenge.parameters.data.ticket),
  ])
  return solution && { challenge, solution, ...(turnstileToken && { turnstileToken }) }
}

/**
 * ALTCHA's proof of work, version 2: PBKDF2 of nonce and counter until the key begins as asked. The browser
 * derives keys on threads of its own, so typing stays smooth without a worker, which the frame's policy
 * would have to allow.
 */
export async function solveChallenge({
  parameters,
}: BotCheck["challenge"]): Promise<Solution | null> {
  const { nonce, salt, cost, keyLength, keyPrefix } = parameters
  const isLate = deadline(patienceMs)
  const derive = async (counter: number): Promise<Solution> => {
    const password = new Uint8Array([...fromHex(nonce), 0, 0, 0, 0])
    new DataView(password.buffer).setUint32(password.length - 4, counter)
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"])
    const bits = await crypto.subtle.deriveBits(
      { name: "PBKDF2", hash: "SHA-256", salt: fromHex(salt), iterations: cost },
      key,
      keyLength * 8,
    )
    return { counter, derivedKey: toHex(new Uint8Array(bits)) }
  }
  for (let from = 0; !isLate(); from += 8) {
    const tried = await Promise.all(Array.from({ length: 8 }, (_, at) => derive(from + at)))
    const found = tried.find(({ derivedKey }) => derivedKey.startsWith(keyPrefix))
    if (found) return found
  }
  return null
}

const deadline = (ms: number) => {
  const end = performance.now() + ms
  return () => performance.now() > end
}
const fromHex = (text: string) =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
const toHex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

type Turnstile = { render: (box: Element, options: Record<string, unknown>) => unknown }

/** A token for this ticket, or undefined: blocked, away, or not solved. Shows itself only if it has to ask. */
async function askTurnstile(siteKey: string, ticketId: string): Promise<string | undefined> {
  const box = document.createElement("div")
  box.className = "turnstile"
  document.body.append(box)
  const token = await new Promise<string | undefined>((resolve) => {
    const giveUp = () => resolve(undefined)
    setTimeout(giveUp, turnstileMs)
    const render = () =>
      (window as unknown as { turnstile: Turnstile }).turnstile.render(box, {
        sitekey: siteKey,
        cData: ticketId,
        appearance: "interaction-only",
        callback: resolve,
        "error-callback": giveUp,
      })
    if ("turnstile" in window) return render()
    const script = document.createElement("script")
    Object.assign(script, { src: turnstileScript, onload: render, onerror: giveUp })
    document.head.append(script)
  })
  box.remove()
  return token
}
