import type { UIMessage } from "ai"
import {
  ask,
  call,
  expectCall,
  newAddress,
  openSession,
  openShop,
  type Part,
  returnsQuestion as question,
  readParts,
  returnsPolicy,
  type Shop,
  sendMessage,
} from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { hostileAnswer, scripts } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"

type Thread = {
  messages: { id: string; role: string; text: string; status: string; citations: object[] }[]
}

/** The one conversation of a shop, as its owner's server reads it. */
async function readThread(shop: Shop): Promise<Thread> {
  const list = await shop.api<{ data: { id: string }[] }>("/v1/conversations")
  expect(list.body.data).toHaveLength(1)
  return (await shop.api<Thread>(`/v1/conversations/${list.body.data[0]!.id}`)).body
}

const uniqueMarker = (script: string) => `${script} ${newAddress()}`

test("an answer streams with its source before its words, and is stored as it was sent", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const { parts, text, types } = await ask(deployment, token, question)
  expect(types.slice(0, 2)).toEqual(["start", "data-conversation"])
  expect(types.slice(-2)).toEqual(["data-answer", "finish"])
  expect(text).toContain("30 days")
  expect(text).toContain("[1]")
  const citation = parts.find((part) => part.type === "data-citation")
  expect(citation?.data).toMatchObject({ number: 1, title: "Returns", sourceId: shop.sourceId })
  const { messages } = await readThread(shop)
  expect(messages.map(({ role, status }) => [role, status])).toEqual([
    ["user", "complete"],
    ["assistant", "complete"],
  ])
  expect(messages[1]?.text).toBe(text)
  // What the owner chose to show of a source is the owner's to read.
  expect(messages[1]?.citations).toEqual([{ ...citation?.data, visibility: "link" }])
})

test("the prompt holds that bot's passages, the business's instructions and nothing of another bot", async ({
  deployment,
}) => {
  const canary = `CANARY-${newAddress()}`
  const other = await openShop(deployment, { text: `${returnsPolicy} ${canary}` })
  const shop = await openShop(deployment)
  // The same tenant's second bot is behind the same wall.
  const second = await shop.api<{ id: string }>("/v1/bots", { body: { name: "Second" } })
  await shop.api(`/v1/bots/${second.body.id}/sources`, {
    body: { title: "Returns", text: `${returnsPolicy} ${canary}` },
  })
  const { token } = await openSession(deployment, shop)
  const marker = uniqueMarker(scripts.echo)
  const { text } = await ask(deployment, token, `${question} ${canary} ${marker}`)
  const modelCall = await deployment.model.waitForCall(marker)
  const prompt = JSON.stringify(modelCall.messages.slice(0, -1))
  expect(prompt).toContain("30 days")
  expect(prompt).not.toContain(canary)
  expect(prompt).not.toContain(other.botId)
  expect(text).not.toMatch(/sk_|pk_|model-key-that-must-stay-inside/)
})

test("a citation of what was never retrieved does not reach the visitor", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const { parts, text } = await ask(deployment, token, `${question} ${scripts.wrongCitation}`)
  expect(text).toMatch(/^Thirty days ?, as everybody knows \[1\]\.$/)
  const numbers = parts
    .filter((part) => part.type === "data-citation")
    .map((part) => part.data?.number)
  expect(numbers).toEqual([1])
})

for (const script of [scripts.failing, scripts.breaking] as const) {
  test(`a provider that is ${script.slice(1)} leaves the visitor with an answer or a plain problem, never a 500`, async ({
    deployment,
  }) => {
    const shop = await openShop(deployment)
    const { token } = await openSession(deployment, shop)
    const { types, text } = await ask(deployment, token, `${question} ${script}`)
    if (script === scripts.failing) {
      expect(text).toContain("30 days of delivery")
      expect(types).toContain("data-citation")
      expect(types.at(-1)).toBe("finish")
    } else {
      expect(types).toContain("data-problem")
      expect(types.at(-1)).toBe("error")
      expect((await readThread(shop)).messages[1]?.status).toBe("interrupted")
    }
  })
}

test("a visitor who leaves stops the model; the answer so far is kept as interrupted and the next question is taken", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const marker = uniqueMarker(scripts.slow)
  const leaving = new AbortController()
  const response = await sendMessage(deployment, token, `${question} ${marker}`, {
    signal: leaving.signal,
  })
  const parts = readParts(response)
  while ((await parts.next()).value?.type !== "text-delta") {}
  leaving.abort()
  const leftAt = performance.now()
  const modelCall = await deployment.model.waitForCall(marker, (c) => c.outcome === "aborted")
  expect(performance.now() - leftAt).toBeLessThan(1_000)
  expect(modelCall.tokensSent).toBeLessThan(100)
  await expect.poll(async () => (await readThread(shop)).messages[1]?.status).toBe("interrupted")
  expect((await readThread(shop)).messages[1]?.text).toMatch(/^word0 /)
  const next = await ask(deployment, token, question)
  expect(next.types.at(-1)).toBe("finish")
})

test("a visitor who gives up on a model that says nothing frees it and themselves", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const marker = uniqueMarker(scripts.hanging)
  const leaving = new AbortController()
  await sendMessage(deployment, token, `${question} ${marker}`, { signal: leaving.signal })
  await deployment.model.waitForCall(marker)
  leaving.abort()
  await deployment.model.waitForCall(marker, (c) => c.outcome === "aborted")
  await expect.poll(async () => (await sendMessage(deployment, token, question)).status).toBe(200)
})

test("the same clientMessageId twice is one message, one model call and one charge", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const marker = uniqueMarker("retry")
  const clientMessageId = "m-1"
  const first = await ask(deployment, token, `${question} ${marker}`, { clientMessageId })
  const second = await ask(deployment, token, `${question} ${marker}`, {
    clientMessageId,
    process: 1,
  })
  expect(second.text).toBe(first.text)
  expect(second.parts.filter((part) => part.type === "data-citation")).toEqual(
    first.parts.filter((part) => part.type === "data-citation"),
  )
  expect(deployment.model.calls.filter((c) => c.question.includes(marker))).toHaveLength(1)
  expect((await readThread(shop)).messages).toHaveLength(2)
  const usage = await shop.api<{ days: { messages: number }[] }>("/v1/usage")
  expect(usage.body.days.reduce((sum, day) => sum + day.messages, 0)).toBe(1)
})

test("while an answer is written, its twin and any other question of that session wait outside", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const marker = uniqueMarker(scripts.slow)
  const leaving = new AbortController()
  await sendMessage(deployment, token, `${question} ${marker}`, {
    clientMessageId: "twin",
    signal: leaving.signal,
  })
  await deployment.model.waitForCall(marker)
  const twin = await sendMessage(deployment, token, question, {
    clientMessageId: "twin",
    process: 1,
  })
  expect([twin.status, (await twin.json()).code]).toEqual([409, "in_progress"])
  const other = await sendMessage(deployment, token, question, {
    clientMessageId: "other",
    process: 1,
  })
  expect([other.status, (await other.json()).code]).toEqual([429, "stream_limit"])
  leaving.abort()
  await deployment.model.waitForCall(marker, (c) => c.outcome === "aborted")
})

test("nothing relevant found is said so, offers the lead form and costs no model call", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const marker = "zebra quagga okapi xylophone"
  const { parts } = await ask(deployment, token, marker)
  const end = parts.find((part) => part.type === "data-answer")
  expect(end?.data).toEqual({ isAnswered: false, mode: "none", offerLead: true, isCapped: false })
  expect(deployment.model.calls.some((c) => c.question.includes(marker))).toBe(false)
})

test("when money or messages are used up, the visitor reads the owner's own words", async ({
  deployment,
}) => {
  const limitNote = "We answer again tomorrow; until then call 555 0100."
  const shop = await openShop(deployment, { limits: { monthlySpendMinor: 0, messagesPerDay: 1 } })
  const { body } = await shop.api(`/v1/bots/${shop.botId}`, {
    method: "PATCH",
    body: { limitNote },
  })
  expect(body).toMatchObject({ limitNote })
  const session = await openSession(deployment, shop)
  expect(session).toMatchObject({ bot: { limitNote } })
  const { parts, text } = await ask(deployment, session.token, question)
  expect(text).toContain("30 days")
  expect(parts.find((part) => part.type === "data-answer")?.data).toEqual({
    isAnswered: true,
    mode: "quotes",
    offerLead: false,
    isCapped: true,
  })
  const refused = await sendMessage(deployment, session.token, "And today?")
  expect(refused.status).toBe(429)
  expect(await refused.json()).toMatchObject({ code: "day_limit", detail: limitNote })
})

test("a returning visitor is handed the transcript; another key, site or visitor is not", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const first = await openSession(deployment, shop)
  await ask(deployment, first.token, question)
  const { visitorSecret } = first
  const back = await openSession(deployment, shop, { visitorSecret, process: 1 })
  expect(back.visitorId).toBe(first.visitorId)
  expect(back.sessionId).toBe(first.sessionId)
  expect(back.conversation.messages.map((message) => message.text)).toContain(question)
  const stranger = await openSession(deployment, shop)
  expect(stranger.conversation).toEqual({ id: null, messages: [] })
  const elsewhere = await openSession(deployment, await openShop(deployment), { visitorSecret })
  expect(elsewhere.visitorId).not.toBe(first.visitorId)
  expect(elsewhere.conversation).toEqual({ id: null, messages: [] })
})

test("“forget me” leaves nothing of the visitor, for them and for the owner", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  await ask(deployment, token, question)
  const headers = { authorization: `Bearer ${token}` }
  const gone = await call(deployment, "/api/embed/conversation", { method: "DELETE", headers })
  expect(gone.status).toBe(204)
  const left = await call(deployment, "/api/embed/conversation", { headers })
  expect(left.body).toEqual({ id: null, messages: [] })
  expect((await shop.api("/v1/conversations")).body.data).toEqual([])
})

test("`useChat` of the AI SDK is a client without an adapter: its transport parses the whole stream", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const message = await chatThroughSdk(deployment, token, question)
  const text = message.parts.map((part) => (part.type === "text" ? part.text : "")).join("")
  expect(text).toContain("30 days")
  const types = message.parts.map((part) => part.type)
  expect(types).toContain("data-citation")
  expect(types).toContain("data-conversation")
})

test("the AI SDK's client meets a refusal as an error, and a cut as the end of the stream", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  await expect(chatThroughSdk(deployment, `${token}x`, question)).rejects.toThrow(/unauthorized/)
  const marker = uniqueMarker(scripts.slow)
  const answered = chatThroughSdk(deployment, token, `${question} ${marker}`)
  await deployment.model.waitForCall(marker, (c) => c.tokensSent > 3)
  await shop.api(`/v1/embed-keys/${shop.keyId}`, { method: "PATCH", body: { status: "disabled" } })
  expect((await answered).parts.map((part) => part.type)).toContain("data-revoked")
})

/** What `useChat` does inside: the default transport, then the SDK's own reader of its stream. */
async function chatThroughSdk(deployment: Deployment, token: string, text: string) {
  // Imported here: it loads asynchronously, and the runner wants a spec file to be read at once.
  const { DefaultChatTransport, readUIMessageStream } = await import("ai")
  const transport = new DefaultChatTransport<UIMessage>({
    api: `${deployment.widgetUrl}/api/embed/chat`,
    headers: { authorization: `Bearer ${token}` },
    prepareSendMessagesRequest: ({ messages }) => {
      const last = messages.at(-1)!
      const message = last.parts.map((part) => (part.type === "text" ? part.text : "")).join("")
      return { body: { message, clientMessageId: last.id } }
    },
  })
  const stream = await transport.sendMessages({
    trigger: "submit-message",
    chatId: "chat",
    messageId: undefined,
    messages: [{ id: newAddress(), role: "user", parts: [{ type: "text", text }] }],
    abortSignal: undefined,
  })
  const errors: unknown[] = []
  let latest: UIMessage | undefined
  for await (const message of readUIMessageStream({ stream, onError: (e) => errors.push(e) }))
    latest = message
  expect(errors).toEqual([])
  return latest!
}

test("thumbs land on the visitor's own answer and nowhere else", async ({ deployment }) => {
  const shop = await openShop(deployment)
  const mine = await openSession(deployment, shop)
  const theirs = await openSession(deployment, shop)
  const { parts } = await ask(deployment, mine.token, question)
  const messageId = (parts[0] as Part & { messageId: string }).messageId
  const rate = (token: string) =>
    call(deployment, "/api/embed/feedback", {
      headers: { authorization: `Bearer ${token}` },
      body: { messageId, value: "up" },
    })
  expect((await rate(theirs.token)).status).toBe(404)
  expect((await rate(mine.token)).status).toBe(204)
  const { messages } = await readThread(shop)
  expect(messages[1]).toMatchObject({ id: messageId, feedback: "up" })
})

test("a hostile answer reaches the client as inert JSON text, byte for byte", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  const { text } = await ask(deployment, token, `${question} ${scripts.hostile}`)
  expect(text).toBe(hostileAnswer)
})

test("a lead is stored for the owner, once validated, with the conversation it came from", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const { token } = await openSession(deployment, shop)
  await ask(deployment, token, question)
  const headers = { authorization: `Bearer ${token}` }
  const leave = (body: object) =>
    call(deployment, "/api/embed/leads", { headers, body, ip: newAddress() })
  expect((await leave({ name: "Ada" })).status).toBe(422)
  const stored = await leave({ name: "Ada", email: "ada@example.com", message: "Call me" })
  expect(stored.status).toBe(201)
  const list = await shop.api<{ data: object[] }>("/v1/leads")
  expect(list.body.data).toMatchObject([
    { name: "Ada", email: "ada@example.com", message: "Call me", status: "new" },
  ])
  await expectCall(deployment, 401, "/api/embed/leads", { body: { name: "Ada" } })
})
