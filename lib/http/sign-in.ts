import { NextRequest } from "next/server"
import { writeDeviceCookie } from "#lib/auth/device.ts"
import { handleSignIn } from "#lib/auth/handler.ts"
import { readSignInId } from "#lib/auth/members.ts"
import { sessionCookie } from "#lib/auth/options.ts"
import { signInInput } from "#lib/auth/schema.ts"
import { fail } from "#lib/errors.ts"
import { endSignIn } from "#lib/tenancy/directory.ts"
import { readBytes } from "./body.ts"
import { route } from "./route.ts"

const bodyBytes = 16 * 1024
const startsSession = new RegExp(`^${sessionCookie}=[^;]`)

/** next-auth's routes behind our own steps: it would read a body of any size, and answer 500 to a broken one. */
export const signInRoute = route({
  auth: "public",
  handle: async ({ request }) => {
    const path = new URL(request.url).pathname.split("/").slice(3)
    if (path[0] === "callback" && request.method !== "POST") throw fail("method_not_allowed")
    const incoming = await bound(request)
    const isCallback = path[0] === "callback"
    const body = isCallback ? await incoming.clone().text() : ""
    const before = await readSignInId(request.headers.get("cookie"))
    const response: Response = await handleSignIn(incoming, {
      params: Promise.resolve({ nextauth: path }),
    })
    const isSignedIn = response.headers.getSetCookie().some((cookie) => startsSession.test(cookie))
    if (!isCallback || !isSignedIn) return response
    const email = readEmail(body, request.headers.get("content-type") ?? "")
    if (email) response.headers.append("set-cookie", writeDeviceCookie(email))
    // Whoever signs in leaves behind what this browser carried before, planted there or forgotten.
    if (before) await endSignIn(before)
    return response
  },
})

async function bound(request: Request): Promise<NextRequest> {
  const { url, method, headers } = request
  if (method !== "POST") return new NextRequest(url, { method, headers })
  const body = await readBytes(request, bodyBytes)
  const type = headers.get("content-type") ?? ""
  if (type.includes("json")) {
    try {
      JSON.parse(new TextDecoder().decode(body))
    } catch {
      throw fail("malformed")
    }
  } else if (!type.startsWith("application/x-www-form-urlencoded")) throw fail("unsupported_type")
  return new NextRequest(url, { method, headers, body: body as BodyInit })
}

function readEmail(body: string, type: string): string | null {
  const email = type.includes("json")
    ? (JSON.parse(body || "{}") as { email?: unknown }).email
    : new URLSearchParams(body).get("email")
  const parsed = signInInput.shape.email.safeParse(email)
  return parsed.success ? parsed.data : null
}
