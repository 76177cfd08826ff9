import { ticketInput } from "#lib/admission/schema.ts"
import { findPreflightOrigin, sellTicket } from "#lib/admission/tickets.ts"
import { json, noContent, route } from "#lib/http/route.ts"
import { rateHeaders } from "#lib/limits/rates.ts"

export const POST = route({
  auth: "public",
  body: ticketInput,
  bodyBytes: 4 * 1024,
  allowsTextPlain: true,
  headers: { vary: "Origin" },
  handle: async ({ body, request, ip }) => {
    const origin = request.headers.get("origin")
    const { origin: allowed, rate, ...sold } = await sellTicket({ ...body, origin, ip })
    return json(sold, 201, { "access-control-allow-origin": allowed, ...rateHeaders(rate) })
  },
})

/** A preflight carries no key, so it allows the shape of the call and proves nothing: POST decides. */
export const OPTIONS = route({
  auth: "public",
  headers: { vary: "Origin" },
  handle: async ({ request }) => {
    const response = noContent()
    const origin = findPreflightOrigin(request.headers.get("origin"))
    if (origin) {
      response.headers.set("access-control-allow-origin", origin)
      response.headers.set("access-control-allow-methods", "POST")
      response.headers.set("access-control-allow-headers", "content-type")
      response.headers.set("access-control-max-age", "600")
    }
    return response
  },
})
