import { createParser } from "eventsource-parser"
import type { Deployment } from "./deployment.ts"

// What a caller of the HTTP contract can do, in the caller's own words: the operator makes tenants, the
// tenant's server makes bots and keys, the page buys tickets, the frame opens sessions and chats.

export type Json = Record<string, unknown>

export type Answer<Body = Json> = { status: number; headers: Headers; body: Body; text: string }

export type CallOptions = {
  method?: string
  headers?: Record<string, string>
  body?: unknown
  /** The address the request comes from, as a trusted proxy would report it. */
  ip?: string
  /** Which web process: 0 or 1. */
  process?: number
  signal?: AbortSignal
}

let lastAddress = 0

/** An address nobody else has used: limits count by address. */
export function newAddress(): string {
  lastAddress += 1
  return `10.${(lastAddress >> 16) & 255}.${(lastAddress >> 8) & 255}.${lastAddress & 255}`
}

export async function send(
  deployment: Pick<Deployment, "processUrls">,
  path: string,
  options: CallOptions = {},
): Promise<Response> {
  const { body, ip, signal } = options
  const isRaw = typeof body === "string" || body instanceof FormData || body instanceof Uint8Array
  return fetch(deployment.processUrls[options.process ?? 0] + path, {
    method: options.method ?? (body === undefined ? "GET" : "POST"),
    redirect: "manual",
    headers: {
      ...(body !== undefined && !isRaw ? { "content-type": "application/json" } : {}),
      ...(ip ? { "x-forwarded-for": ip } : {}),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: (isRaw ? body : JSON.stringify(body)) as BodyInit }),
    ...(signal ? { signal } : {}),
  })
}

export async function call<Body = Json>(
  deployment: Pick<Deployment, "processUrls">,
  path: string,
  options: CallOptions = {},
): Promise<Answer<Body>> {
  const response = await send(deployment, path, options)
  const text = await response.text()
  const isJson = /json/.test(response.headers.get("content-type") ?? "")
  const body = (isJson ? JSON.parse(text) : {}) as Body
  return { status: response.status, headers: response.headers, body, text }
}

/** The same, and throws unless the answer has this status. */
export async function expectCall<Body = Json>(
  deployment: Pick<Deployment, "processUrls">,
  status: number,
  path: string,
  options: CallOptions = {},
): Promise<Body> {
  const answer = await call<Body>(deployment, path, options)
  if (answer.status !== status)
    throw new Error(`${options.method ?? ""} ${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

export type Shop = {
  tenantId: string
  secretKey: string
  botId: string
  sourceId: string
  keyId: string
  key: string
  /** The website its embed key allows. */
  origin: string
  /** Calls the server API with the tenant's key. */
  api<Body = Json>(path: string, options?: CallOptions): Promise<Answer<Body>>
}

export const returnsPolicy =
  "You can return any item within 30 days of delivery, unused and in its box. Refunds are paid to the original card within five working days."

/** Asks for what the policy says in its own words, so that no retrieval tuning can make it irrelevant. */
export const returnsQuestion =
  "Can I return any item within 30 days of delivery, and when are refunds paid to the original card?"

/** A tenant with a published bot that knows one text, and a key for one website: all through the API. */
export async function openShop(
  deployment: Deployment,
  options: { origin?: string; text?: string; limits?: Record<string, number> } = {},
): Promise<Shop> {
  const origin = options.origin ?? "http://shop.localhost:4000"
  const tenant = await expectCall<{ tenant_id: string; api_key: string }>(
    deployment,
    201,
    "/admin/tenants",
    { headers: { "x-master-key": deployment.masterKey }, body: { name: "Corner Shop" } },
  )
  const headers = { authorization: `Bearer ${tenant.api_key}` }
  const api: Shop["api"] = (path, more = {}) =>
    call(deployment, path, { ...more, headers: { ...headers, ...more.headers } })
  const create = (path: string, body: Json, status = 201) =>
    expectCall<{ id: string; key: string }>(deployment, status, path, { headers, body })
  const bot = await create("/v1/bots", { name: "Shop help" })
  await expectCall(deployment, 200, `/v1/bots/${bot.id}`, {
    method: "PATCH",
    headers,
    body: { published: true },
  })
  const source = await create(
    `/v1/bots/${bot.id}/sources`,
    { title: "Returns", text: options.text ?? returnsPolicy },
    202,
  )
  const key = await create(`/v1/bots/${bot.id}/embed-keys`, {
    mode: "test",
    allowedOrigins: [origin],
    ...(options.limits ? { limits: options.limits } : {}),
  })
  await waitForSource(api, source.id)
  return {
    tenantId: tenant.tenant_id,
    secretKey: tenant.api_key,
    botId: bot.id,
    sourceId: source.id,
    keyId: key.id,
    key: key.key,
    origin,
    api,
  }
}

/** Limits that never bind, for tests about something else. */
export const wideLimits = {
  messagesPerMinutePerIp: 100_000,
  messagesPerMinutePerSession: 100_000,
  messagesPerMinutePerOrigin: 100_000,
  messagesPerDay: 1_000_000,
  messagesPerDayPerIpPercent: 100,
  ticketsPerMinutePerIp: 100_000,
  ticketsPerMinute: 1_000_000,
}

export async function waitForSource(api: Shop["api"], sourceId: string): Promise<void> {
  const deadline = Date.now() + 30_000
  let last: Json = {}
  while (Date.now() < deadline) {
    last = (await api(`/v1/sources/${sourceId}`)).body
    if (last.status === "ready") return
    if (last.status === "failed") throw new Error(`The source failed: ${last.error}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`The source is still ${last.status}.`)
}

export async function buyTicket(
  deployment: Deployment,
  shop: Pick<Shop, "key" | "origin">,
  options: CallOptions = {},
): Promise<string> {
  const { ticket } = await expectCall<{ ticket: string }>(deployment, 201, "/api/embed/ticket", {
    ip: newAddress(),
    ...options,
    headers: { origin: shop.origin, ...options.headers },
    body: { key: shop.key },
  })
  return ticket
}

export type Session = {
  token: string
  sessionId: string
  visitorId: string
  visitorSecret: string
  conversation: { id: string | null; messages: { id: string; text: string; status: string }[] }
}

export async function openSession(
  deployment: Deployment,
  shop: Pick<Shop, "key" | "origin">,
  options: CallOptions & { visitorSecret?: string } = {},
): Promise<Session> {
  const ticket = await buyTicket(deployment, shop, options)
  return expectCall<Session>(deployment, 201, "/api/embed/session", {
    ip: newAddress(),
    ...options,
    body: { ticket, ...(options.visitorSecret ? { visitorSecret: options.visitorSecret } : {}) },
  })
}

export type Part = { type: string; delta?: string; data?: Json; [field: string]: unknown }

export type ChatOptions = CallOptions & { clientMessageId?: string }

export function sendMessage(
  deployment: Pick<Deployment, "processUrls">,
  token: string,
  message: string,
  options: ChatOptions = {},
): Promise<Response> {
  const { clientMessageId, ...rest } = options
  return send(deployment, "/api/embed/chat", {
    ip: newAddress(),
    ...rest,
    headers: { authorization: `Bearer ${token}`, ...rest.headers },
    body: { message, ...(clientMessageId ? { clientMessageId } : {}) },
  })
}

/** The parts of a stream as they come; ends with `[DONE]` or with the connection. */
export async function* readParts(response: Response): AsyncGenerator<Part> {
  const found: string[] = []
  const parser = createParser({ onEvent: ({ data }) => found.push(data) })
  const decoder = new TextDecoder()
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    for (const data of found.splice(0)) {
      if (data === "[DONE]") return
      yield JSON.parse(data) as Part
    }
  }
}

/** Sends a message and reads its answer to the end. Throws on a refusal. */
export async function ask(
  deployment: Pick<Deployment, "processUrls">,
  token: string,
  message: string,
  options: ChatOptions = {},
): Promise<{ parts: Part[]; text: string; types: string[] }> {
  const response = await sendMessage(deployment, token, message, options)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const parts: Part[] = []
  for await (const part of readParts(response)) parts.push(part)
  const text = parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("")
  return { parts, text, types: parts.map((part) => part.type) }
}
