import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { createChallenge, isSolved } from "#lib/bot-check/challenge.ts"
import { type BotCheckProof, botCheckProof } from "#lib/bot-check/schema.ts"
import type { TicketAnswer } from "../../lib/embed/protocol.ts"
import { createClient } from "./client.ts"
import { Refusal } from "./trouble.ts"
import type { VisitorMemory } from "./visitor.ts"

type Call = { path: string; body: Record<string, unknown>; token: string | undefined }

let calls: Call[]
let tickets: TicketAnswer[]
let bought: number
let refused: Set<string>
let secret: string | null
let isWatched: boolean
let sessionStatus: number
/** What the counter says to the next sessions, before it opens any. */
let refusals: string[]

const memory: VisitorMemory = {
  read: () => secret,
  hold: (fresh) => {
    secret = fresh
  },
  keep: () => {},
  forget: () => {
    secret = null
  },
}

beforeEach(() => {
  vi.useFakeTimers()
  calls = []
  tickets = []
  bought = 0
  refused = new Set()
  secret = null
  isWatched = true
  sessionStatus = 201
  refusals = []
  let minted = 0
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>
    const token = headers.authorization?.replace("Bearer ", "")
    calls.push({ path, body: JSON.parse(String(init.body ?? "{}")), token })
    if (path === "/api/embed/session") {
      const code = refusals.shift()
      if (code) return Response.json({ code }, { status: 403 })
      if (sessionStatus !== 201)
        return Response.json({ code: "unauthorized" }, { status: sessionStatus })
      return Response.json(
        { token: `token-${++minted}`, expiresIn: 300, visitorSecret: "secret-1" },
        { status: 201 },
      )
    }
    return refused.has(token ?? "") ? Response.json({}, { status: 401 }) : Response.json({})
  })
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const open = () =>
  createClient({
    bridge: {
      first: Promise.resolve({
        type: "coatcheck:ticket",
        ticket: "ticket-0",
        status: 201,
        page: { url: "https://shop.example.com/a", title: "Shop", language: "en" },
      }),
      buyTicket: async () => {
        bought++
        return tickets.shift() ?? { ticket: `ticket-${bought}`, status: 201 }
      },
    },
    memory,
    isWatched: () => isWatched,
  })

const sessions = () => calls.filter(({ path }) => path === "/api/embed/session")

test("the first session is bought with the first ticket and says which page it is", async () => {
  await open().connect()
  expect(calls).toEqual([
    {
      path: "/api/embed/session",
      token: undefined,
      body: {
        ticket: "ticket-0",
        page: { url: "https://shop.example.com/a", title: "Shop", language: "en" },
      },
    },
  ])
})

test("several requests at once share one connection", async () => {
  const client = open()
  await Promise.all([client.request("chat"), client.request("feedback"), client.connect()])
  expect(sessions()).toHaveLength(1)
})

test("renewal: 20 seconds early, with a new ticket and the visitor secret", async () => {
  await open().connect()
  await vi.advanceTimersByTimeAsync(279_000)
  expect(sessions()).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(sessions()[1]!.body).toEqual({ ticket: "ticket-1", visitorSecret: "secret-1" })
})

test("nobody is looking: no renewal until the next request needs one", async () => {
  const client = open()
  await client.connect()
  isWatched = false
  await vi.advanceTimersByTimeAsync(900_000)
  expect(sessions()).toHaveLength(1)
  await client.request("chat")
  expect(sessions()).toHaveLength(2)
  expect(calls.at(-1)).toMatchObject({ path: "/api/embed/chat", token: "token-2" })
})

test("a 401 is renewed once, quietly", async () => {
  const client = open()
  await client.connect()
  refused.add("token-1")
  await client.request("chat", { method: "POST", body: '{"message":"a"}' })
  expect(calls.map(({ path }) => path.slice(11))).toEqual(["session", "chat", "session", "chat"])
  expect(calls[3]!.body).toEqual(calls[1]!.body)
})

test("a second 401 is the end of it", async () => {
  const client = open()
  await client.connect()
  refused = new Set(["token-1", "token-2"])
  await expect(client.request("chat")).rejects.toMatchObject({ trouble: { kind: "unavailable" } })
  expect(sessions()).toHaveLength(2)
})

test.each([
  ["no answer while on line (the site is refused)", 0, true, "unavailable"],
  ["no answer while off line", 0, false, "offline"],
  ["too many tickets", 429, true, "rate"],
  ["a dead key", 401, true, "unavailable"],
])("no ticket, %s: says so and asks no session", async (_, status, onLine, kind) => {
  vi.stubGlobal("navigator", { onLine })
  const client = open()
  await client.connect()
  client.reset()
  tickets = [{ status }]
  const outcome = await client.connect().catch((error: Refusal) => error)
  expect(outcome).toBeInstanceOf(Refusal)
  expect((outcome as Refusal).trouble.kind).toBe(kind)
  expect(sessions()).toHaveLength(1)
})

test("a refused session is tried again with a fresh ticket, never the spent one", async () => {
  const client = open()
  sessionStatus = 401
  await expect(client.connect()).rejects.toThrow()
  sessionStatus = 201
  await client.connect()
  expect(sessions().map(({ body }) => body.ticket)).toEqual(["ticket-0", "ticket-1"])
})

describe("the bot check", () => {
  /** Work of a few rounds, as lib/bot-check hands it out. */
  async function ask(ticket: string, isStrict = false): Promise<TicketAnswer> {
    const { challenge } = await createChallenge(ticket, "normal")
    return { ticket, status: 201, botCheck: { challenge, isStrict } }
  }
  const openWith = (first: TicketAnswer) =>
    createClient({
      bridge: {
        first: Promise.resolve({ ...first, type: "coatcheck:ticket", page: {} } as never),
        buyTicket: async () => tickets.shift() ?? { status: 429 },
      },
      memory,
      isWatched: () => isWatched,
    })
  const proofs = () => sessions().map(({ body }) => body.botCheck as BotCheckProof | undefined)

  test("is worked off before the session is asked for, and the counter accepts it", async () => {
    await openWith(await ask("ticket-0")).connect()
    expect(sessions()).toHaveLength(1)
    expect(await isSolved("ticket-0", botCheckProof.parse(proofs()[0]))).toBe(true)
  })

  test("is not repeated when a session that passed renews, unless the counter insists", async () => {
    const client = openWith(await ask("ticket-0"))
    await client.connect()
    tickets = [await ask("ticket-1"), await ask("ticket-2", true)]
    await client.connect()
    await client.connect()
    expect(proofs().map(Boolean)).toEqual([true, false, true])
  })

  test("refused once, is worked off again for a new ticket", async () => {
    refusals = ["bot_check_required"]
    tickets = [await ask("ticket-1")]
    await openWith(await ask("ticket-0")).connect()
    expect(sessions().map(({ body }) => body.ticket)).toEqual(["ticket-0", "ticket-1"])
    expect(await isSolved("ticket-1", botCheckProof.parse(proofs()[1]))).toBe(true)
  })

  test("of a renewal that was not free after all is worked off then", async () => {
    const client = openWith(await ask("ticket-0"))
    await client.connect()
    refusals = ["bot_check_required"]
    tickets = [await ask("ticket-1"), await ask("ticket-2")]
    await client.connect()
    expect(proofs().map(Boolean)).toEqual([true, false, true])
  })

  test("refused twice is the end of it; so is any other refusal at once", async () => {
    refusals = ["bot_check_required", "bot_check_required"]
    tickets = [await ask("ticket-1"), await ask("ticket-2")]
    const closed = { trouble: { kind: "unavailable" } }
    await expect(openWith(await ask("ticket-0")).connect()).rejects.toMatchObject(closed)
    expect(sessions()).toHaveLength(2)
    refusals = ["forbidden"]
    await expect(openWith(await ask("ticket-0")).connect()).rejects.toMatchObject(closed)
    expect(sessions()).toHaveLength(3)
  })

  test("that the browser cannot do is left to the counter's judgement", async () => {
    const first = await ask("ticket-0")
    vi.stubGlobal("crypto", {})
    refusals = ["bot_check_required"]
    await expect(openWith(first).connect()).rejects.toBeInstanceOf(Refusal)
    expect(proofs()).toEqual([undefined])
  })
})
