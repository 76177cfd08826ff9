import { randomBytes } from "node:crypto"
import { z } from "zod"
import { findFrameAncestors } from "#lib/admission/tickets.ts"
import { readEmbedAssets } from "#lib/embed/assets.ts"
import { renderEmbedPage, renderEmptyPage } from "#lib/embed/page.ts"
import { env } from "#lib/env.ts"
import { route } from "#lib/http/route.ts"

/** Its script asks visitors in a frame of its own. */
const turnstile = env.TURNSTILE_SITE_KEY ? " https://challenges.cloudflare.com" : ""

/** The iframe's document. Who may frame it is the key's answer, enforced by the browser itself. */
export const GET = route({
  auth: "public",
  query: z.object({ key: z.string().max(200).default(""), via: z.enum(["ours"]).optional() }),
  handle: async ({ query }) => {
    const found = await findFrameAncestors(query.key, query.via ?? "page")
    const nonce = randomBytes(16).toString("base64")
    const html = found
      ? renderEmbedPage({
          nonce,
          ...readEmbedAssets(),
          bootstrap: { keyId: found.keyId, ...(query.via ? { parentOrigin: env.APP_URL } : {}) },
        })
      : renderEmptyPage()
    const response = new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } })
    const policy = [
      "default-src 'none'",
      `script-src 'self' 'nonce-${nonce}'${turnstile}`,
      `style-src 'self' 'nonce-${nonce}'`,
      `connect-src ${env.WIDGET_URL}/api/embed/`,
      ...(turnstile ? [`frame-src${turnstile}`] : []),
      "img-src 'self' data:",
      "font-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      `frame-ancestors ${found?.ancestors ?? "'none'"}`,
    ]
    response.headers.set("content-security-policy", policy.join("; "))
    return response
  },
})
