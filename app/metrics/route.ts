import { readMetrics } from "#lib/http/metrics.ts"
import { route } from "#lib/http/route.ts"

export const GET = route({
  auth: "operator",
  dialect: "operator",
  handle: async () => {
    const { text, contentType } = await readMetrics()
    return new Response(text, { headers: { "content-type": contentType } })
  },
})
