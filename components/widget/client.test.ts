import { afterEach, beforeEach, expect, test, vi } from "vitest"
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
  let minted = 0
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>
    const token = headers.authorization?.replace("Bearer ", "")
    calls.push({ path, body: JSON.parse(String(init.body ?? "{}")), token })
    if (path === "/api/embed/session") {
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
