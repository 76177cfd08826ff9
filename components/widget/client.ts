import type { PageFacts, TicketAnswer } from "../../lib/embed/protocol.ts"
import { passBotCheck } from "./bot-check.ts"
import type { Bridge } from "./bridge.ts"
import type { SessionView } from "./contract.ts"
import { describeRefusal } from "./trouble.ts"
import type { VisitorMemory } from "./visitor.ts"

/** Renew this long before the token dies, so that no request meets the edge. */
const marginMs = 20_000

export type Client = {
  /** Redeems a ticket for a session: the first time, again to renew, or after `reset`. */
  connect: () => Promise<SessionView>
  /** Sends with the token; renews first when it is about to die, and once after a 401. */
  request: (path: string, init?: RequestInit) => Promise<Response>
  /** The session was cut off: the token is worth nothing any more. */
  reset: () => void
}

/**
 * The session's keeper. The token lives in this closure: never in storage, an address, a cookie or a
 * message to the page. Renewal repeats the whole admission with a new ticket, which proves the site
 * again. `isWatched` says whether someone is looking; unwatched sessions are left to expire.
 */
export function createClient(options: {
  bridge: Pick<Bridge, "first" | "buyTicket">
  memory: VisitorMemory
  isWatched: () => boolean
}): Client {
  const { bridge, memory, isWatched } = options
  let token: string | null = null
  let expiresAt = 0
  let isFirst = true
  let hasPassedCheck = false
  let connecting: Promise<SessionView> | null = null
  let timer: ReturnType<typeof setTimeout>

  const redeem = async (isRetry = false): Promise<SessionView> => {
    const answer: TicketAnswer & { page?: PageFacts } = await (isFirst
      ? bridge.first
      : bridge.buyTicket())
    isFirst = false
    // A refused site sees no answer at all (CORS), and neither does a page whose line is down.
    if (!answer.ticket) throw describeRefusal(answer.status || (navigator.onLine ? 403 : 0), answer)
    const { url, title, language } = answer.page ?? {}
    const { botCheck } = answer
    const mustWork = botCheck && (botCheck.isStrict || isRetry || !hasPassedCheck)
    const proof = mustWork ? await passBotCheck(botCheck) : null
    const secret = memory.read()
    const response = await post("session", {
      ticket: answer.ticket,
      ...(secret && { visitorSecret: secret }),
      ...(proof && { botCheck: proof }),
      ...(url && {
        page: {
          url: url.slice(0, 2000),
          title: title?.slice(0, 300),
          language: language?.slice(0, 35),
        },
      }),
    })
    // The challenge died with its ticket, or a renewal was not free after all: once more, with work.
    if (response.status === 403 && !isRetry) {
      const { code } = await response
        .clone()
        .json()
        .catch(() => ({}))
      if (code === "bot_check_required") return redeem(true)
    }
    await refuseUnlessOk(response)
    const session: SessionView = await response.json()
    hasPassedCheck ||= proof !== null
    token = session.token
    expiresAt = Date.now() + session.expiresIn * 1000
    if (session.visitorSecret) memory.hold(session.visitorSecret)
    clearTimeout(timer)
    timer = setTimeout(
      () => {
        if (isWatched()) connect().catch(() => {})
      },
      Math.max(1000, session.expiresIn * 1000 - marginMs),
    )
    return session
  }

  const connect = () => {
    connecting ??= redeem().finally(() => {
      connecting = null
    })
    return connecting
  }

  const send = (path: string, init: RequestInit) =>
    fetch(`/api/embed/${path}`, {
      ...init,
      credentials: "omit",
      cache: "no-store",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    })

  return {
    connect,
    async request(path, init = {}) {
      if (!token || Date.now() > expiresAt - marginMs / 4) await connect()
      let response = await send(path, init)
      if (response.status === 401) {
        token = null
        await connect()
        response = await send(path, init)
      }
      await refuseUnlessOk(response)
      return response
    },
    reset() {
      token = null
      clearTimeout(timer)
    },
  }
}

const post = (path: string, body: object) =>
  fetch(`/api/embed/${path}`, {
    method: "POST",
    credentials: "omit",
    cache: "no-store",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })

async function refuseUnlessOk(response: Response): Promise<void> {
  if (response.ok) return
  const problem = await response.json().catch(() => ({}))
  throw describeRefusal(response.status, problem, response.headers.get("retry-after"))
}
