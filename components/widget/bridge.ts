import type {
  FrameMessage,
  PageFacts,
  PageMessage,
  ReadyMessage,
  TicketAnswer,
  TicketMessage,
} from "../../lib/embed/protocol.ts"

/** The iframe's line to the page around it (lib/embed/protocol.ts says who says what). */
export type Bridge = {
  /** The page's one answer to `ready`. */
  first: Promise<TicketMessage>
  /** A new ticket. Never rejects; status 0 when the page stays silent. */
  buyTicket: () => Promise<TicketAnswer & { page?: PageFacts }>
  tell: (message: FrameMessage) => void
  isOpen: () => boolean
  onVisibility: (listener: (isOpen: boolean) => void) => void
}

const answerMs = 15_000

/**
 * Speaks first, to one exact origin, and takes the first fitting answer. The origin is the browser's
 * word where it gives one (`ancestorOrigins`); elsewhere the loader's claim in the fragment, which
 * can only make our empty greeting go nowhere. The proof of the site is the ticket, not this.
 */
export function openBridge(consoleOrigin?: string): Bridge {
  const parentOrigin =
    consoleOrigin ?? location.ancestorOrigins?.[0] ?? decodeURIComponent(location.hash.slice(1))
  let port: MessagePort | undefined
  let waiting: ((answer: TicketAnswer & { page?: PageFacts }) => void)[] = []
  let listener: (isOpen: boolean) => void = () => {}
  let isOpen = false

  const answer = (outcome: TicketAnswer & { page?: PageFacts }) => {
    const resolvers = waiting
    waiting = []
    for (const resolve of resolvers) resolve(outcome)
  }

  const hear = ({ data }: MessageEvent<PageMessage>) => {
    if (data.type === "ticket") {
      answer(data)
    } else {
      isOpen = data.type === "open"
      listener(isOpen)
    }
  }

  const first = new Promise<TicketMessage>((resolve) => {
    const listen = (event: MessageEvent) => {
      if (event.source !== parent || event.origin !== parentOrigin) return
      if (event.data?.type !== "coatcheck:ticket" || !event.ports[0]) return
      removeEventListener("message", listen)
      port = event.ports[0]
      resolve(event.data)
      isOpen = event.data.isOpen === true
      port.onmessage = hear
    }
    addEventListener("message", listen)
  })

  if (parent !== window && /^https?:\/\//.test(parentOrigin)) {
    const ready: ReadyMessage = { type: "coatcheck:ready" }
    parent.postMessage(ready, parentOrigin)
  }

  return {
    first,
    buyTicket: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length > 1) return
        port?.postMessage({ type: "ticket" } satisfies FrameMessage)
        setTimeout(() => answer({ status: 0 }), answerMs)
      }),
    tell: (message) => port?.postMessage(message),
    isOpen: () => isOpen,
    onVisibility: (next) => {
      listener = next
    },
  }
}
