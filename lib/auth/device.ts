import { createHmac, timingSafeEqual } from "node:crypto"
import { env } from "#lib/env.ts"
import { newSecret } from "#lib/secrets.ts"

// A browser that signed in here before. Guarantees: its cookie opens nothing; it only gives this browser tries
// of its own, so that strangers who use up an account's tries do not lock its owner out. Tied to the address it
// was given for, and signed: nobody makes one without signing in once.

const isHttps = env.APP_URL.startsWith("https://")
export const deviceCookie = isHttps ? "__Host-coatcheck.device" : "coatcheck.device"
const deviceDays = 180

function sign(id: string, email: string): string {
  return createHmac("sha256", env.AUTH_SECRET ?? "")
    .update(["device", id, email].join("\x1f"))
    .digest("base64url")
}

/** The Set-Cookie of a browser that has just signed in with this address. */
export function writeDeviceCookie(email: string): string {
  const id = newSecret(16)
  return [
    `${deviceCookie}=${id}.${sign(id, email)}`,
    "Path=/",
    "HttpOnly",
    "SameSite=Lax",
    `Max-Age=${deviceDays * 86_400}`,
    ...(isHttps ? ["Secure"] : []),
  ].join("; ")
}

/** The device a Cookie header proves for this address, or null. */
export function readDevice(cookieHeader: string | null | undefined, email: string): string | null {
  const pair = cookieHeader?.split(/;\s*/).find((one) => one.startsWith(`${deviceCookie}=`))
  const [id, proof] = pair?.slice(deviceCookie.length + 1).split(".") ?? []
  if (!id || !proof || !env.AUTH_SECRET) return null
  const expected = Buffer.from(sign(id, email))
  const given = Buffer.from(proof)
  return given.length === expected.length && timingSafeEqual(given, expected) ? id : null
}
