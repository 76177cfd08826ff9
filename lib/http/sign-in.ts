import { NextRequest } from "next/server"
import { writeDeviceCookie } from "#lib/auth/device.ts"
import { handleSignIn } from "#lib/auth/handler.ts"
import { sessionCookie } from "#lib/auth/options.ts"
import { signInInput } from "#lib/auth/schema.ts"
import { fail } from "#lib/errors.ts"
import { readBytes } from "./body.ts"
import { route } from "./route.ts"

const bodyBytes = 16 * 1024

/** next-auth's routes behind our own steps: it would read a body of any size, and answer 500 to a broken one. */
export const signInRoute = route({
  auth: "public",
  handle: async ({ request }) => {
    const path = new URL(request.url).pathname.split("/").slice(3)
    if (path[0] === "callback" && request.method !== "POST") throw fail("method_not_allowed")
    const incoming = await bound(request)
    const body = path[0] === "callback" ? await incoming.clone().text() : ""
    const response: Response = await handleSignIn(incoming, {
      params: Promise.resolve({ nextauth: path }),
    })
    const email = readEmail(body, request.headers.get("content-type") ?? "")
    const isSignedIn = response.headers
      .getSetCookie()
      .some((cookie) => cookie.startsWith(`${sessionCookie}=`) && !/^[^=]+=;/.test(cookie))
    if (path[0] === "callback" && email && isSignedIn)
      response.headers.append("set-cookie", writeDeviceCookie(email))
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
