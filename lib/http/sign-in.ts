import { NextRequest } from "next/server"
import { writeDeviceCookie } from "#lib/auth/device.ts"
import { handleSignIn } from "#lib/auth/handler.ts"
import { readSignInId } from "#lib/auth/members.ts"
import { sessionCookie } from "#lib/auth/options.ts"
import { fail } from "#lib/errors.ts"
import { endSignIn, findSignedInUser } from "#lib/tenancy/directory.ts"
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
    const before = await readSignInId(request.headers.get("cookie"))
    const response: Response = await handleSignIn(incoming, {
      params: Promise.resolve({ nextauth: path }),
    })
    const cookie = response.headers.getSetCookie().find((one) => startsSession.test(one))
    if (!isCallback || !cookie) return response
    // Whose device this is says the sign-in, never the request: two readers may read one body two ways.
    const signInId = await readSignInId(cookie.split(";")[0]!)
    const user = signInId ? await findSignedInUser(signInId) : null
    if (user) response.headers.append("set-cookie", writeDeviceCookie(user.email))
    // Whoever signs in leaves behind what this browser carried before, planted there or forgotten.
    if (before) await endSignIn(before)
    return response
  },
})

async function bound(request: Request): Promise<NextRequest> {
  const { url, method, headers } = request
  if (method !== "POST") return new NextRequest(url, { method, headers })
  const body = await readBytes(request, bodyBytes)
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? ""
  if (type === "application/json") {
    try {
      JSON.parse(new TextDecoder().decode(body))
    } catch {
      throw fail("malformed")
    }
  } else if (type !== "application/x-www-form-urlencoded") throw fail("unsupported_type")
  // Without its parameters, by which next-auth could take it for the other type.
  const plain = new Headers(headers)
  plain.set("content-type", type)
  return new NextRequest(url, { method, headers: plain, body: body as BodyInit })
}
