import { NextRequest } from "next/server"
import { handleSignIn } from "#lib/auth/handler.ts"
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
    return handleSignIn(await bound(request), { params: Promise.resolve({ nextauth: path }) })
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
