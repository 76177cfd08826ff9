import { createHmac } from "node:crypto"
import { errors, jwtVerify, SignJWT } from "jose"
import { env } from "#lib/env.ts"
import { fail } from "#lib/errors.ts"

// Guarantees: tickets and session tokens are HS256 JWTs (RFC 7519) whose algorithm, typ, iss, aud and
// exp are all required. A token of one kind never passes for the other. What they point to is looked
// up on every use: a good signature proves who issued it, not that it is still good.

export const ticketSeconds = 60
export const sessionTokenSeconds = 300
const clockToleranceSeconds = 5

const kinds = {
  ticket: { typ: "ticket+jwt", aud: "coatcheck:session", seconds: ticketSeconds },
  session: { typ: "session+jwt", aud: "coatcheck:embed", seconds: sessionTokenSeconds },
} as const

type Kind = keyof typeof kinds

export type TicketClaims = {
  ticketId: string
  tenantId: string
  keyId: string
  keyVersion: number
  botId: string
  origin: string
  /** Which line of the key's list admitted the origin; null for tickets of our own. */
  originRuleId: string | null
  kind: "page" | "preview" | "hosted" | "server"
  stamp: string
  /** Set when the session has to be worked for, and how hard. */
  botCheck?: "normal" | "high"
}

export type SessionClaims = { sessionId: string }

type SigningKey = { kid: string; secret: Uint8Array }

let cachedKeys: SigningKey[] | undefined

function signingKeys(): SigningKey[] {
  cachedKeys ??= (env.TOKEN_KEYS ?? "")
    .split(",")
    .filter(Boolean)
    .map((pair) => {
      const at = pair.indexOf(":")
      return {
        kid: pair.slice(0, at).trim(),
        secret: new TextEncoder().encode(pair.slice(at + 1).trim()),
      }
    })
  if (cachedKeys.length === 0) throw new Error("TOKEN_KEYS is not set")
  return cachedKeys
}

/** Secrets for another signature of ours, of every key in force and the newest first: hex of 256 bits. */
export function deriveSecrets(purpose: string): string[] {
  return signingKeys().map(({ secret }) =>
    createHmac("sha256", secret).update(`coatcheck:${purpose}`).digest("hex"),
  )
}

async function sign(kind: Kind, payload: Record<string, unknown>, id: string): Promise<string> {
  const key = signingKeys()[0]!
  const { typ, aud, seconds } = kinds[kind]
  return new SignJWT(payload)
    .setProtectedHeader({ alg: "HS256", typ, kid: key.kid })
    .setIssuer(env.WIDGET_URL)
    .setAudience(aud)
    .setJti(id)
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(key.secret)
}

/**
 * jose reads Base64url leniently (padding, spaces, the spare bits of the last letter), so a signature fits
 * several spellings of one token. Only the one we wrote counts.
 */
function isCanonical(token: string): boolean {
  return token
    .split(".")
    .every((part) => Buffer.from(part, "base64url").toString("base64url") === part)
}

async function verify(kind: Kind, token: string) {
  const { typ, aud, seconds } = kinds[kind]
  if (!isCanonical(token)) throw fail("unauthorized")
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = signingKeys().find((k) => k.kid === kid)
        if (!key) throw new errors.JWKSNoMatchingKey()
        return key.secret
      },
      {
        algorithms: ["HS256"],
        typ,
        audience: aud,
        issuer: env.WIDGET_URL,
        requiredClaims: ["iss", "aud", "exp", "iat", "jti"],
        maxTokenAge: seconds,
        clockTolerance: clockToleranceSeconds,
      },
    )
    // Signed by us it lives no longer (a second of grace: the clock is read twice): whoever wrote a later end
    // was not this code.
    if (payload.exp! - payload.iat! > seconds + 1) throw fail("unauthorized")
    return payload
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw fail("unauthorized")
    throw error
  }
}

/** Signs a ticket: at most 60 seconds, single use (its id is spent in the database). */
export async function signTicket(claims: TicketClaims): Promise<string> {
  const { ticketId, ...payload } = claims
  return sign("ticket", payload, ticketId)
}

/** The claims of a ticket; throws `unauthorized` for anything that is not one of ours, whole and in time. */
export async function verifyTicket(ticket: string): Promise<TicketClaims> {
  const { jti, ...claims } = await verify("ticket", ticket)
  return { ...(claims as unknown as Omit<TicketClaims, "ticketId">), ticketId: jti! }
}

/** Signs a session token of five minutes. It names the session and nothing else worth reading. */
export async function signSessionToken(sessionId: string): Promise<string> {
  return sign("session", {}, sessionId)
}

/** The session a token names; throws `unauthorized`. Whether it lives is the directory's answer. */
export async function verifySessionToken(token: string): Promise<SessionClaims> {
  const { jti } = await verify("session", token)
  return { sessionId: jti! }
}
