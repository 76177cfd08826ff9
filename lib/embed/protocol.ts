/**
 * What the widget's iframe and the page around it say to each other. The page is the loader, or our
 * console for a preview. Order: the iframe speaks first (`ready`, to an exact origin), the page checks
 * `event.source` and `event.origin` and answers once (`ticket`, to our exact origin) with a
 * MessagePort; everything after that goes over the port. No session token ever crosses.
 */

/** iframe → page, by `postMessage`. */
export type ReadyMessage = { type: "coatcheck:ready" }

/** Origin and path only: a host page's query or fragment may hold secrets of its own. */
export type PageFacts = { url: string; title: string; language: string }

/** The outcome of `POST /api/embed/ticket`: the body, and the HTTP status (0: no answer at all). */
export type TicketAnswer = {
  ticket?: string
  expiresIn?: number
  status: number
  code?: string
  detail?: string
  botCheck?: BotCheck
}

/** Work that the ticket's session costs (lib/bot-check): an ALTCHA challenge, version 2. */
export type BotCheck = {
  challenge: {
    parameters: {
      nonce: string
      salt: string
      cost: number
      keyLength: number
      keyPrefix: string
      data: { ticket: string }
    }
    signature: string
  }
  /** False: a session that has passed renews without. */
  isStrict: boolean
  turnstileSiteKey?: string
}

/** The launcher's public look, so that the first paint need not wait for the session. */
export type Look = {
  enabled: boolean
  name: string
  color: string
  position: "left" | "right"
  label: string | null
  greeting: string | null
  locale: string | null
}

/** page → iframe, by `postMessage` with one MessagePort. */
export type TicketMessage = TicketAnswer & {
  type: "coatcheck:ticket"
  page: PageFacts
  look?: Look
  /** A preview is open from the start and is not asked to take the focus; the loader says `open`. */
  isOpen?: boolean
}

/** iframe → page, over the port. */
export type FrameMessage =
  | { type: "ticket" }
  | { type: "close" }
  | { type: "unread"; count: number }

/** page → iframe, over the port. */
export type PageMessage =
  | (TicketAnswer & { type: "ticket"; page: PageFacts })
  | { type: "open" }
  | { type: "closed" }
