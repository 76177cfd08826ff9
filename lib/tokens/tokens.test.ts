import { createHmac } from "node:crypto"
import { generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose"
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest"
import { env } from "#lib/env.ts"
import {
  sessionTokenSeconds,
  signSessionToken,
  signTicket,
  type TicketClaims,
  ticketSeconds,
  verifySessionToken,
  verifyTicket,
} from "./tokens.ts"

const [kid, secretText] = env.TOKEN_KEYS!.split(",")[0]!.split(":") as [string, string]
const secret = new TextEncoder().encode(secretText)

const sessionId = "ses_0123456789abcdef01234567"
const claims: TicketClaims = {
  ticketId: "tkt_0123456789abcdef01234567",
  tenantId: "ten_0123456789abcdef01234567",
  keyId: "key_0123456789abcdef01234567",
  keyVersion: 3,
  botId: "bot_0123456789abcdef01234567",
  origin: "https://shop.example.com",
  originRuleId: "key_ffffffffffffffffffffffff",
  kind: "page",
  stamp: "0.1.2",
}

const refused = { code: "unauthorized", status: 401 }
const now = () => Math.floor(Date.now() / 1000)
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString("utf8"))

/** What our own session tokens say, with changes; `undefined` leaves a claim out. */
function payloadWith(changes: Record<string, unknown> = {}): JWTPayload {
  const payload = {
    iss: env.WIDGET_URL,
    aud: "coatcheck:embed",
    jti: sessionId,
    iat: now(),
    exp: now() + 300,
    ...changes,
  }
  return Object.fromEntries(
    Object.entries(payload).filter(([, value]) => value !== undefined),
  ) as JWTPayload
}

/** A token as a holder of our secret could make it, to test one claim at a time. */
function forge(
  changes: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  key: Parameters<SignJWT["sign"]>[0] = secret,
): Promise<string> {
  const protectedHeader = { alg: "HS256", typ: "session+jwt", kid, ...header }
  return new SignJWT(payloadWith(changes)).setProtectedHeader(protectedHeader).sign(key)
}

let session: string
let ticket: string

beforeAll(async () => {
  session = await signSessionToken(sessionId)
  ticket = await signTicket(claims)
})

test("a token of ours says again what it was signed with", async () => {
  expect(await verifySessionToken(session)).toEqual({ sessionId })
  expect(await verifyTicket(ticket)).toMatchObject(claims)
  expect(await verifySessionToken(await forge())).toEqual({ sessionId })
})

test("a session token names the session and nothing else of the tenant", () => {
  expect(Object.keys(decode(session.split(".")[1]!)).sort()).toEqual([
    "aud",
    "exp",
    "iat",
    "iss",
    "jti",
  ])
})

test("a ticket lives a minute at most, a session token ten", () => {
  const lifetime = (token: string) => {
    const { exp, iat } = decode(token.split(".")[1]!)
    return exp - iat
  }
  expect(lifetime(ticket)).toBe(ticketSeconds)
  expect(ticketSeconds).toBeLessThanOrEqual(60)
  expect(lifetime(session)).toBe(sessionTokenSeconds)
  expect(sessionTokenSeconds).toBeLessThanOrEqual(600)
})

describe("refuses, as a session token,", () => {
  test.each(["none", "None", "nOnE", "NONE", ""])("alg %j without a signature", async (alg) => {
    const unsigned = `${encode({ alg, typ: "session+jwt", kid })}.${encode(payloadWith())}.`
    await expect(verifySessionToken(unsigned)).rejects.toMatchObject(refused)
    const kept = `${encode({ alg, typ: "session+jwt", kid })}.${session.split(".").slice(1).join(".")}`
    await expect(verifySessionToken(kept)).rejects.toMatchObject(refused)
  })

  test("jose's own unsecured token, and an emptied signature", async () => {
    const unsecured = new UnsecuredJWT(payloadWith()).encode()
    await expect(verifySessionToken(unsecured)).rejects.toMatchObject(refused)
    const emptied = `${session.split(".").slice(0, 2).join(".")}.`
    await expect(verifySessionToken(emptied)).rejects.toMatchObject(refused)
  })

  test.each(["HS384", "HS512"])("%s with our very own secret", async (alg) => {
    await expect(verifySessionToken(await forge({}, { alg }))).rejects.toMatchObject(refused)
  })

  test.each(["RS256", "ES256", "PS256", "EdDSA"])("%s with the attacker's key", async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true })
    await expect(verifySessionToken(await forge({}, { alg }, privateKey))).rejects.toMatchObject(
      refused,
    )
  })

  test.each(["secret", "coatcheck", "a".repeat(64), `${secretText} `, secretText.slice(0, -1)])(
    "HS256 with a guessed secret",
    async (guess) => {
      const token = await forge({}, {}, new TextEncoder().encode(guess))
      await expect(verifySessionToken(token)).rejects.toMatchObject(refused)
    },
  )

  test("a key that the header brings along or points to", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true })
    const jwk = { kty: "oct", k: Buffer.from("attacker".repeat(5)).toString("base64url") }
    const own = new TextEncoder().encode("attacker".repeat(5))
    for (const header of [
      { jwk },
      { jku: "http://127.0.0.1:1/keys" },
      { x5u: "http://127.0.0.1:1/certificate" },
      { x5c: ["AAAA"] },
    ]) {
      await expect(verifySessionToken(await forge({}, header, own))).rejects.toMatchObject(refused)
      await expect(
        verifySessionToken(await forge({}, { ...header, alg: "ES256" }, privateKey)),
      ).rejects.toMatchObject(refused)
    }
  })

  test("a key id we do not have, or none", async () => {
    await expect(verifySessionToken(await forge({}, { kid: "other" }))).rejects.toMatchObject(
      refused,
    )
    await expect(verifySessionToken(await forge({}, { kid: undefined }))).rejects.toMatchObject(
      refused,
    )
    await expect(verifySessionToken(await forge({}, { kid: "__proto__" }))).rejects.toMatchObject(
      refused,
    )
  })

  test("a ticket, and as a ticket a session token", async () => {
    await expect(verifySessionToken(ticket)).rejects.toMatchObject(refused)
    await expect(verifyTicket(session)).rejects.toMatchObject(refused)
  })

  test.each([
    ["another typ", {}, { typ: "ticket+jwt" }],
    ["typ JWT", {}, { typ: "JWT" }],
    ["no typ", {}, { typ: undefined }],
    ["a ticket's aud", { aud: "coatcheck:session" }, {}],
    ["another aud", { aud: "other" }, {}],
    ["no aud", { aud: undefined }, {}],
    ["another iss", { iss: "https://evil.example.net" }, {}],
    ["no iss", { iss: undefined }, {}],
    ["no jti", { jti: undefined }, {}],
    ["no exp", { exp: undefined }, {}],
    ["no iat", { iat: undefined }, {}],
    ["an exp that is text", { exp: "9999999999" }, {}],
    ["an iat that is text", { iat: "1" }, {}],
    ["an exp of ten seconds ago", { exp: now() - 10 }, {}],
    ["an iat of a minute ahead", { iat: now() + 60, exp: now() + 300 }, {}],
    ["an nbf of a minute ahead", { nbf: now() + 60 }, {}],
    ["an old iat with a far exp", { iat: now() - 400, exp: now() + 86_400 }, {}],
    ["an old iat with an endless exp", { iat: now() - 400, exp: 1e308 }, {}],
    ["an endless exp", { exp: 1e308 }, {}],
    ["a life longer than ours", { exp: now() + 3_600 }, {}],
    ["a critical extension we do not know", {}, { crit: ["x"], x: 1 }],
  ])("%s", async (_, changes, header) => {
    await expect(verifySessionToken(craft(changes, header))).rejects.toMatchObject(refused)
  })

  test.each(["", ".", "..", "a.b", "a.b.c.d", "null", " ", "\n", "{}", "Bearer x", "\u0000"])(
    "%j",
    async (text) => {
      await expect(verifySessionToken(text)).rejects.toMatchObject(refused)
      await expect(verifyTicket(text)).rejects.toMatchObject(refused)
    },
  )

  test("our payload with one claim changed under the old signature", async () => {
    const [header, payload, signature] = session.split(".") as [string, string, string]
    for (const change of [{ jti: "ses_x" }, { exp: now() + 9_999 }, { tenantId: "ten_b" }]) {
      const changed = `${header}.${encode({ ...decode(payload), ...change })}.${signature}`
      await expect(verifySessionToken(changed)).rejects.toMatchObject(refused)
    }
  })

  test("anything appended, prepended or spelled another way", async () => {
    for (const text of [`${session}=`, `${session}\n`, ` ${session}`, `${session}.`, `${session}A`])
      await expect(verifySessionToken(text)).rejects.toMatchObject(refused)
    // Base64url of 32 bytes has two spare bits at its end: other letters would decode to the same bytes.
    const last = session.at(-1)!
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for (const letter of alphabet.replace(last, ""))
      await expect(verifySessionToken(session.slice(0, -1) + letter)).rejects.toMatchObject(refused)
  })
})

/** Signs by hand what SignJWT would refuse to write. */
function craft(changes: Record<string, unknown>, header: Record<string, unknown>): string {
  const full = { alg: "HS256", typ: "session+jwt", kid, ...header }
  const signed = `${encode(full)}.${encode(payloadWith(changes))}`
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`
}

test("5,000 mutated tokens: not one is accepted and not one breaks the check", async () => {
  let seed = 20_261_120
  // mulberry32: the same mutations in every run.
  const random = (below: number) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"
  for (let i = 0; i < 5_000; i++) {
    const at = random(session.length)
    const letter = alphabet[random(alphabet.length)]!
    const kind = random(4)
    const mutated =
      kind === 0
        ? session.slice(0, at) + session.slice(at + 1)
        : kind === 1
          ? session.slice(0, at) + letter + session.slice(at)
          : session.slice(0, at) + letter + session.slice(at + 1)
    if (mutated === session) continue
    const outcome = await verifySessionToken(mutated).catch((error) => error.code)
    expect([mutated, outcome]).toEqual([mutated, "unauthorized"])
  }
})

describe("T30 a process whose clock is an hour wrong", () => {
  afterEach(() => {
    vi.useRealTimers()
  })
  const at = <T>(offsetSeconds: number, work: () => Promise<T>) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + offsetSeconds * 1_000 })
    return work().finally(() => vi.useRealTimers())
  }

  test.each([3_600, -3_600])("by %d s: what it signs, no correct one takes", async (offset) => {
    const token = await at(offset, () => signSessionToken(sessionId))
    await expect(verifySessionToken(token)).rejects.toMatchObject(refused)
    expect(await at(offset, () => verifySessionToken(token))).toEqual({ sessionId })
  })

  test.each([3_600, -3_600])("by %d s: it refuses what a correct one signed", async (offset) => {
    await expect(at(offset, () => verifySessionToken(session))).rejects.toMatchObject(refused)
  })

  test("and none that is right takes a token more than five seconds past its end", async () => {
    const token = await signSessionToken(sessionId)
    await at(sessionTokenSeconds + 3, () => verifySessionToken(token))
    const late = at(sessionTokenSeconds + 7, () => verifySessionToken(token))
    await expect(late).rejects.toMatchObject(refused)
  })
})

describe("T24 with a second signing key", () => {
  test("the old one still verifies until it is taken out of TOKEN_KEYS", async () => {
    const fresh = `new:${"n".repeat(64)}`
    const load = async (keys: string) => {
      vi.resetModules()
      vi.stubEnv("TOKEN_KEYS", keys)
      return import("./tokens.ts")
    }
    const during = await load(`${fresh},${kid}:${secretText}`)
    expect(await during.verifySessionToken(session)).toEqual({ sessionId })
    const signed = await during.signSessionToken(sessionId)
    expect(decode(signed.split(".")[0]!).kid).toBe("new")
    const after = await load(fresh)
    await expect(after.verifySessionToken(session)).rejects.toMatchObject(refused)
    expect(await after.verifySessionToken(signed)).toEqual({ sessionId })
    vi.unstubAllEnvs()
  })
})
