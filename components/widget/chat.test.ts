import { beforeEach, describe, expect, test } from "vitest"
import { type Chat, createChat, maxMessageChars } from "./chat.ts"
import type { Client } from "./client.ts"
import type { MessageView, SessionView, StreamPart } from "./contract.ts"
import { describeRefusal } from "./trouble.ts"

type Sent = { path: string; body: Record<string, unknown>; signal: AbortSignal | undefined }

const session = (messages: MessageView[] = []): SessionView => ({
  token: "t",
  expiresIn: 300,
  sessionId: "ses_1",
  visitorId: "vis_1",
  visitorSecret: "secret",
  bot: {
    id: "bot_1",
    name: "Bot",
    color: "#126047",
    greeting: "Hello",
    starters: [],
    limitNote: "",
    locale: null,
    isTest: false,
    linkOrigins: [],
  },
  conversation: { id: null, messages },
})

const answer: StreamPart[] = [
  { type: "start", messageId: "msg_2" },
  { type: "text-delta", delta: "Two " },
  { type: "text-delta", delta: "days." },
  {
    type: "data-answer",
    data: { isAnswered: true, mode: "model", offerLead: false, isCapped: false },
  },
  { type: "finish" },
]

/** A response that streams these parts and then ends, breaks, or (with a signal) hangs until aborted. */
function streamOf(
  parts: StreamPart[],
  ending: "close" | "break" | AbortSignal = "close",
): Response {
  const encoder = new TextEncoder()
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    pull(stream) {
      const part = parts[at++]
      if (part) stream.enqueue(encoder.encode(`data: ${JSON.stringify(part)}\n\n`))
      else if (ending === "break") stream.error(new TypeError("network error"))
      else if (ending === "close") stream.close()
      else if (ending.aborted) stream.error(ending.reason)
      else ending.addEventListener("abort", () => stream.error(ending.reason))
    },
  })
  return new Response(body)
}

let sent: Sent[]
let replies: ((signal: AbortSignal) => Response | Promise<Response>)[]
let connections: (() => SessionView)[]
let kept: string[]
let resets: number
let chat: Chat

beforeEach(() => {
  sent = []
  replies = []
  connections = []
  kept = []
  resets = 0
  const client: Client = {
    connect: async () => (connections.shift() ?? (() => session()))(),
    async request(path, init = {}) {
      sent.push({
        path,
        body: JSON.parse(String(init.body ?? "{}")),
        signal: init.signal ?? undefined,
      })
      const response = await (replies.shift() ?? (() => streamOf(answer)))(
        init.signal ?? new AbortController().signal,
      )
      init.signal?.throwIfAborted()
      return response
    },
    reset: () => {
      resets++
    },
  }
  const memory = {
    read: () => null,
    hold: () => {},
    keep: () => kept.push("kept"),
    forget: () => kept.push("forgotten"),
  }
  chat = createChat(client, memory)
})

const turns = () => chat.state().turns
const refuse = (status: number, code?: string, detail?: string) => () => {
  throw describeRefusal(status, { ...(code && { code }), ...(detail && { detail }) })
}
const ask = async (text: string) => {
  chat.setDraft(text)
  await chat.send()
}

describe("sending", () => {
  test("an answer arrives, and the composer is empty", async () => {
    await chat.connect()
    await ask("How long?")
    expect(turns().map(({ role, text, status }) => [role, text, status])).toEqual([
      ["user", "How long?", "complete"],
      ["assistant", "Two days.", "complete"],
    ])
    expect(turns()[1]!.id).toBe("msg_2")
    expect(chat.state()).toMatchObject({ draft: "", isAnswering: false })
  })

  test("the visitor secret is kept for next time only once a message was accepted", async () => {
    await chat.connect()
    expect(kept).toEqual([])
    replies = [refuse(500)]
    await ask("a")
    expect(kept).toEqual([])
    await chat.retry(turns()[0]!)
    expect(kept).toEqual(["kept"])
  })

  test("blank, too long, offline, and a second one meanwhile: not sent, and still in the composer", async () => {
    await chat.connect()
    await ask("   ")
    await ask("x".repeat(maxMessageChars + 1))
    expect(chat.state().draft).toHaveLength(maxMessageChars + 1)
    chat.setOnline(false)
    await ask("offline words")
    expect(chat.state().draft).toBe("offline words")
    expect(sent).toEqual([])
    chat.setOnline(true)
    replies = [(signal) => streamOf(answer.slice(0, 2), signal)]
    const first = chat.send()
    await ask("second")
    expect(chat.state().draft).toBe("second")
    expect(sent).toHaveLength(1)
    chat.stop()
    await first
  })

  test("written while connecting, it follows the transcript", async () => {
    const earlier: MessageView = {
      id: "msg_0",
      role: "user",
      text: "earlier",
      status: "complete",
      isAnswered: true,
      citations: [],
      feedback: null,
      createdAt: "2026-11-20T10:00:00Z",
    }
    connections = [() => session([earlier])]
    await Promise.all([ask("now"), chat.connect()])
    expect(turns().map(({ text }) => text)).toEqual(["earlier", "now", "Two days."])
  })
})

describe("no message is lost", () => {
  test.each([
    ["no connection", 0, undefined, "offline"],
    ["a server error", 503, "unavailable", "server"],
    ["too fast", 429, "rate_limited", "rate"],
    ["the day's limit", 429, "day_limit", "day"],
    ["an answer still being written", 409, "in_progress", "busy"],
    ["another answer being written", 429, "stream_limit", "busy"],
  ])("%s: it stays as not sent, and goes again with the same id", async (_, status, code, kind) => {
    await chat.connect()
    replies = [refuse(status, code)]
    await ask("keep me")
    expect(turns()).toMatchObject([{ text: "keep me", status: "failed", trouble: { kind } }])
    await chat.retry(turns()[0]!)
    expect(turns().map(({ text }) => text)).toEqual(["keep me", "Two days."])
    expect(sent[1]!.body).toEqual(sent[0]!.body)
    expect(sent[0]!.body.clientMessageId).toMatch(/^[\da-f]{32}$/)
  })

  test.each([
    ["the chat is closed", 401, "closed"],
    ["the words are refused", 422, "ready"],
  ])(
    "%s: it goes back into the composer, before what was written since",
    async (_, status, phase) => {
      await chat.connect()
      replies = [
        () => {
          chat.setDraft("and this")
          return refuse(status, "x", "Why")()
        },
      ]
      await ask("keep me")
      expect(turns()).toEqual([])
      expect(chat.state()).toMatchObject({
        draft: "keep me\nand this",
        phase,
        trouble: { detail: "Why" },
      })
    },
  )

  test("an unsent one does not vanish when another is sent", async () => {
    await chat.connect()
    replies = [refuse(500)]
    await ask("first")
    await ask("second")
    expect(turns().map(({ text }) => text)).toEqual(["first", "second", "Two days."])
    await chat.retry(turns()[0]!)
    expect(turns().map(({ text }) => text)).toEqual(["second", "Two days.", "first", "Two days."])
  })
})

describe("an answer that ends early", () => {
  test.each([
    ["the line breaks", "break"],
    ["the stream ends without saying so", "close"],
  ] as const)(
    "%s: what came stays, and a retry asks the same question again",
    async (_, ending) => {
      await chat.connect()
      replies = [() => streamOf(answer.slice(0, 2), ending)]
      await ask("How long?")
      expect(turns()[1]).toMatchObject({
        text: "Two ",
        status: "interrupted",
        trouble: { kind: "offline" },
      })
      await chat.retry(turns()[1]!)
      expect(turns().map(({ text }) => text)).toEqual(["How long?", "Two days."])
      expect(sent[1]!.body).toEqual(sent[0]!.body)
    },
  )

  test("stopped by the visitor: no complaint, the request is aborted", async () => {
    await chat.connect()
    replies = [(signal) => streamOf(answer.slice(0, 2), signal)]
    const sending = ask("How long?")
    await until(() => turns()[1]?.text === "Two ")
    chat.stop()
    await sending
    expect(turns()[1]).toMatchObject({ text: "Two ", status: "interrupted", trouble: null })
    expect(sent[0]!.signal!.aborted).toBe(true)
    expect(chat.state().isAnswering).toBe(false)
  })

  test("cut off by the owner: the chat closes and the token is dropped", async () => {
    await chat.connect()
    replies = [() => streamOf([...answer.slice(0, 2), { type: "data-revoked" }, { type: "abort" }])]
    await ask("How long?")
    expect(turns()[1]).toMatchObject({ text: "Two ", status: "interrupted" })
    expect(chat.state()).toMatchObject({ phase: "closed", trouble: { kind: "unavailable" } })
    expect(resets).toBe(1)
    chat.setDraft("more")
    await chat.send()
    expect(sent).toHaveLength(1)
    await chat.connect()
    expect(chat.state().phase).toBe("ready")
    expect(turns().map(({ text }) => text)).toEqual(["How long?", "Two "])
  })

  test("a problem in mid-answer is shown once, whatever follows it", async () => {
    await chat.connect()
    const problem = { code: "unavailable", title: "x", detail: "y" }
    replies = [
      () =>
        streamOf([
          ...answer.slice(0, 2),
          { type: "data-problem", data: problem },
          { type: "error", errorText: "x" },
          { type: "finish" },
        ]),
    ]
    await ask("How long?")
    expect(turns()[1]).toMatchObject({ status: "failed", trouble: { kind: "server" } })
  })
})

test("sources arrive in any order, once each", async () => {
  const citation = {
    chunkId: "c",
    sourceId: "s",
    title: "T",
    heading: null,
    text: "x",
    url: null,
    page: null,
  }
  const cite = (number: number): StreamPart => ({
    type: "data-citation",
    data: { ...citation, number },
  })
  await chat.connect()
  replies = [() => streamOf([cite(2), cite(1), cite(2), ...answer])]
  await ask("How long?")
  expect(turns()[1]!.citations.map(({ number }) => number)).toEqual([1, 2])
})

test("a thumb that could not be stored goes back to what it was", async () => {
  await chat.connect()
  await ask("How long?")
  replies = [() => new Response(null), refuse(500)]
  await chat.rate(turns()[1]!, "up")
  await chat.rate(turns()[1]!, "down")
  expect(turns()[1]!.feedback).toBe("up")
  expect(sent.at(-1)!.body).toEqual({ messageId: "msg_2", value: "down" })
})

test("deleting forgets the visitor and begins again; when it fails, everything stays", async () => {
  await chat.connect()
  await ask("How long?")
  replies = [refuse(500), () => new Response(null)]
  await expect(chat.erase()).rejects.toThrow()
  expect(turns()).toHaveLength(2)
  expect(kept).toEqual(["kept"])
  await chat.erase()
  expect(kept).toEqual(["kept", "forgotten"])
  expect(turns()).toEqual([])
  expect(chat.state().phase).toBe("ready")
})

test("back on line, a chat that could not connect tries again by itself", async () => {
  connections = [refuse(0) as () => SessionView]
  await chat.connect()
  expect(chat.state()).toMatchObject({ phase: "closed", trouble: { kind: "offline" } })
  chat.setOnline(false)
  chat.setOnline(true)
  await until(() => chat.state().phase === "ready")
})

function until(isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (!isSo()) return
      stop()
      resolve()
    }
    const stop = chat.subscribe(check)
    check()
  })
}

describe("an action that waits for a yes", () => {
  const confirmation = { callId: "tcl_1", name: "cancel_order", summary: "order: 17" }
  const asks: StreamPart[] = [
    { type: "start", messageId: "msg_2" },
    { type: "text-delta", delta: "Please confirm." },
    { type: "data-tool-confirmation", data: confirmation },
    { type: "finish" },
  ]

  test("is shown with the answer, and a yes or no is sent once, as a message of its own", async () => {
    for (const isApproved of [true, false]) {
      sent = []
      await chat.connect()
      replies = [() => streamOf(asks)]
      await ask("Cancel order 17")
      const waiting = turns().at(-1)!
      expect(waiting).toMatchObject({ status: "complete", confirmation })
      await Promise.all([chat.decide(waiting, isApproved), chat.decide(waiting, isApproved)])
      expect(sent.map(({ body }) => body)).toEqual([
        expect.objectContaining({ message: "Cancel order 17" }),
        { confirm: { callId: "tcl_1", isApproved } },
      ])
      expect(turns().at(-2)!.text).toBe(`${isApproved ? "✓" : "✗"} cancel order`)
      expect(turns().at(-1)!.text).toBe("Two days.")
      expect(turns().some((turn) => turn.confirmation)).toBe(false)
      // The button of a card that was still on the screen.
      await chat.decide(turns().find(({ key }) => key === waiting.key)!, true)
      expect(sent).toHaveLength(2)
    }
  })

  test("whose decision did not get through is sent again unchanged, and never becomes words", async () => {
    await chat.connect()
    replies = [() => streamOf(asks), refuse(500), refuse(422), () => streamOf(answer)]
    await ask("Cancel order 17")
    await chat.decide(turns().at(-1)!, true)
    const failed = turns().at(-1)!
    expect(failed).toMatchObject({ role: "user", status: "failed" })
    await chat.retry(failed)
    expect(sent.slice(1).map(({ body }) => body)).toEqual([
      { confirm: { callId: "tcl_1", isApproved: true } },
      { confirm: { callId: "tcl_1", isApproved: true } },
    ])
    expect(chat.state().draft).toBe("")
  })
})
