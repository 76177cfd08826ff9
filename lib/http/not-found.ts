import { fail } from "#lib/errors.ts"
import { route } from "./route.ts"

/** What an address that no route has answers, in the API's own form instead of a page. */
export const notFoundRoute = route({
  auth: "public",
  handle: async () => {
    throw fail("not_found")
  },
})
