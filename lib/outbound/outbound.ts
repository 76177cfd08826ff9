import { lookup } from "node:dns/promises"
import { type IncomingMessage, request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import { isIPv6, type LookupFunction } from "node:net"
import { pipeline, type Readable, Transform } from "node:stream"
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import { env } from "#lib/env.ts"
import { Failure, fail } from "#lib/errors.ts"
import { isPublicAddress } from "./address.ts"
import { isAllowedHeader, userAgent } from "./headers.ts"
import { plainHost, refuseUrl, type Target, vetUrl } from "./url.ts"

// Guarantees: the only way out to an address a tenant can set. Every address a name has is vetted, the
// connection goes to a vetted address and is never resolved again, each redirect starts over, and bytes
// (after inflating) and time are bounded. Nothing of ours travels along: no cookies, no credentials, no
// referrer. Production uses fetch.ts; the loosened forms that tests make exist in tests alone.

export type OutboundOptions = {
  method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE"
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Plain http is refused unless the caller says that its content is public anyway. */
  allowsHttp?: boolean
  /** Followed by hand, each vetted; for GET and HEAD. 0 refuses the first. */
  maxRedirects?: number
  /** Of the decoded body. */
  maxBytes?: number
  /** Keeps what fitted into maxBytes instead of failing. */
  cutsAtLimit?: boolean
  /** For everything: names, connections, redirects, body. */
  timeoutMs?: number
  signal?: AbortSignal
}

export type OutboundResponse = {
  /** Where the last redirect led. */
  url: string
  status: number
  headers: Headers
  body: Uint8Array
  isCut: boolean
}

export type OutboundStream = {
  status: number
  headers: Headers
  /** Inflated. Errors as `remote_too_large`, `remote_timeout` or `remote_unreachable`, or when it is aborted. */
  body: ReadableStream<Uint8Array<ArrayBuffer>>
}

export type OutboundRules = {
  /** All A and AAAA addresses of a name. */
  resolve: (host: string) => Promise<string[]>
  isAllowedAddress: (address: string) => boolean
  isAllowedPort: (port: number) => boolean
  /** Hosts that are us. */
  ownHosts: readonly string[]
}

export const strictRules: OutboundRules = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  isAllowedAddress: isPublicAddress,
  isAllowedPort: (port) => port === 80 || port === 443,
  ownHosts: [env.APP_URL, env.WIDGET_URL].map((origin) => plainHost(new URL(origin))),
}

export type Outbound = {
  /**
   * Fetches an address that a tenant set. Throws `url_not_allowed`, `redirect_limit`, `remote_too_large`,
   * `remote_timeout`, `remote_unreachable`; `invalid` for a header that may not be set. Any HTTP status is
   * an answer.
   */
  fetch: (url: string, options?: OutboundOptions) => Promise<OutboundResponse>
  /**
   * The same for an answer that is read while it is written: no redirect is followed, and time and bytes bound
   * the whole of it.
   */
  stream: (
    url: string,
    options?: Omit<OutboundOptions, "maxRedirects" | "cutsAtLimit">,
  ) => Promise<OutboundStream>
  /** Resolves and judges an address without a request, for when it is saved. Throws `url_not_allowed`. */
  vet: (url: string, options?: Pick<OutboundOptions, "allowsHttp">) => Promise<void>
}

const defaults = { maxRedirects: 5, maxBytes: 5 * 1024 * 1024, timeoutMs: 15_000 }

export function createOutbound(changes: Partial<OutboundRules> = {}): Outbound {
  const rules: OutboundRules = { ...strictRules, ...changes }
  return {
    fetch: (url, options = {}) =>
      withDeadline(options, (signal) => follow(rules, url, options, signal)),
    stream: (url, options = {}) => openStream(rules, url, options),
    async vet(url, options = {}) {
      const target = vetUrl(url, { ...rules, allowsHttp: options.allowsHttp === true })
      const judged = withDeadline({ timeoutMs: 5_000 }, (signal) =>
        pinAddresses(rules, target, signal),
      )
      // A name that does not answer now is judged again when it is used.
      await judged.catch((error: unknown) => {
        if ((error as Failure).code === "url_not_allowed") throw error
      })
    },
  }
}

async function openStream(
  rules: OutboundRules,
  address: string,
  options: Omit<OutboundOptions, "maxRedirects" | "cutsAtLimit">,
): Promise<OutboundStream> {
  const { method = "GET", timeoutMs = defaults.timeoutMs, maxBytes = defaults.maxBytes } = options
  // The clock goes on while the body is read; withDeadline's ends with the headers.
  const clock = AbortSignal.timeout(timeoutMs)
  const outer = options.signal ? AbortSignal.any([clock, options.signal]) : clock
  const explain = (error: unknown): unknown => {
    if (clock.aborted) return fail("remote_timeout")
    if (error instanceof Failure) return error
    if (options.signal?.aborted) return options.signal.reason
    const { code, message } = error as NodeJS.ErrnoException
    return fail("remote_unreachable", { internal: `remote_unreachable: ${code ?? message}` })
  }
  const response = await withDeadline({ timeoutMs, signal: outer }, async (signal) => {
    const target = vetUrl(address, { ...rules, allowsHttp: options.allowsHttp === true })
    const addresses = await pinAddresses(rules, target, signal)
    return send(
      target,
      addresses,
      { ...options, method, headers: readHeaders(options.headers) },
      outer,
    )
  }).catch((error: unknown) => {
    throw explain(error)
  })
  if (isRedirect(response.statusCode)) {
    response.destroy()
    throw fail("redirect_limit")
  }
  const parts = decode(response, maxBytes)[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let size = 0
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(stream) {
      try {
        const { done, value } = await parts.next()
        if (done) return stream.close()
        size += value.byteLength
        if (size > maxBytes) throw fail("remote_too_large")
        stream.enqueue(new Uint8Array(value))
      } catch (error) {
        response.destroy()
        throw explain(error)
      }
    },
    cancel() {
      response.destroy()
    },
  })
  return { status: response.statusCode ?? 0, headers: readHeadersOf(response), body }
}

/** One clock over everything, whatever hangs. */
async function withDeadline<T>(
  { timeoutMs = defaults.timeoutMs, signal: outer }: Pick<OutboundOptions, "timeoutMs" | "signal">,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const clock = AbortSignal.timeout(timeoutMs)
  const signal = outer ? AbortSignal.any([clock, outer]) : clock
  try {
    signal.throwIfAborted()
    return await Promise.race([work(signal), rejectOnAbort(signal)])
  } catch (error) {
    if (clock.aborted) throw fail("remote_timeout")
    if (error instanceof Failure || outer?.aborted) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw fail("remote_unreachable", { internal: `remote_unreachable: ${code ?? message}` })
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  })
}

async function follow(
  rules: OutboundRules,
  first: string,
  options: OutboundOptions,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const { method = "GET", maxRedirects = defaults.maxRedirects } = options
  let allowsHttp = options.allowsHttp === true
  let address = first
  let headers = readHeaders(options.headers)
  for (let hop = 0; ; hop += 1) {
    const target = vetUrl(address, { ...rules, allowsHttp })
    const addresses = await pinAddresses(rules, target, signal)
    const response = await send(target, addresses, { ...options, method, headers }, signal)
    const location = isRedirect(response.statusCode) ? response.headers.location : undefined
    if (location === undefined) return readResponse(target.url.href, response, options)
    response.destroy()
    if (!["GET", "HEAD"].includes(method) || hop >= maxRedirects) throw fail("redirect_limit")
    if (!URL.canParse(location, target.url.href)) throw refuseUrl("redirect to nowhere")
    const next = new URL(location, target.url)
    // What the caller said to one origin is not for another.
    if (next.origin !== target.url.origin) headers = {}
    // From https there is no way back to plain text.
    allowsHttp &&= target.url.protocol === "http:"
    address = next.href
  }
}

const isRedirect = (status = 0) => [301, 302, 303, 307, 308].includes(status)

function readHeaders(given: Record<string, string> = {}): Record<string, string> {
  for (const [name, value] of Object.entries(given))
    if (!isAllowedHeader(name, value)) throw fail("invalid", "A header may not be set.")
  return given
}

/** Every address must pass: a name that is public and private at once is an attempt. */
async function pinAddresses(
  rules: OutboundRules,
  target: Target,
  signal: AbortSignal,
): Promise<string[]> {
  const addresses = target.isAddress ? [target.host] : await rules.resolve(target.host)
  signal.throwIfAborted()
  if (addresses.length === 0) throw fail("remote_unreachable")
  if (!addresses.every(rules.isAllowedAddress)) throw refuseUrl("address")
  return addresses
}

function send(
  { url, host, isAddress }: Target,
  addresses: string[],
  options: OutboundOptions & { headers: Record<string, string> },
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const pinned = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  // In place of DNS: the name stays in Host and SNI, the socket goes where it was vetted to go.
  const pinnedLookup: LookupFunction = (_, { all }, done) =>
    all ? done(null, pinned) : done(null, pinned[0]!.address, pinned[0]!.family)
  const body = options.body === undefined ? undefined : Buffer.from(options.body)
  return new Promise((resolve, reject) => {
    const open = url.protocol === "https:" ? requestHttps : requestHttp
    const request = open(url, {
      method: options.method,
      // Its own connection: none is shared with, or left for, another tenant.
      agent: false,
      lookup: pinnedLookup,
      ...(isAddress ? {} : { servername: host }),
      // Said here, so that no variable of the environment can say otherwise.
      rejectUnauthorized: true,
      signal,
      headers: {
        ...options.headers,
        "user-agent": userAgent,
        "accept-encoding": "gzip, br",
        ...(body ? { "content-length": String(body.byteLength) } : {}),
      },
    })
    request.on("response", resolve)
    request.on("error", reject)
    request.on("upgrade", (_, socket) => {
      socket.destroy()
      reject(fail("remote_unreachable"))
    })
    request.end(body)
  })
}

async function readResponse(
  url: string,
  response: IncomingMessage,
  { maxBytes = defaults.maxBytes, cutsAtLimit = false }: OutboundOptions,
): Promise<OutboundResponse> {
  const decoded = decode(response, maxBytes)
  const parts: Buffer[] = []
  let size = 0
  let isCut = false
  try {
    for await (const part of decoded as AsyncIterable<Buffer>) {
      parts.push(part.subarray(0, maxBytes - size))
      size += part.byteLength
      if (size <= maxBytes) continue
      isCut = true
      break
    }
  } finally {
    response.destroy()
  }
  if (isCut && !cutsAtLimit) throw fail("remote_too_large")
  const headers = readHeadersOf(response)
  return { url, status: response.statusCode ?? 0, headers, body: Buffer.concat(parts), isCut }
}

function readHeadersOf(response: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.headersDistinct))
    for (const each of value ?? []) if (name !== "set-cookie") headers.append(name, each)
  return headers
}

/** Inflates as it is read, 16 kB at a time: a bomb is noticed while it is still small. */
function decode(response: IncomingMessage, maxBytes: number): Readable {
  const counted = countBytes(maxBytes)
  const done = () => {}
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase()
  switch (encoding) {
    case "":
    case "identity":
      return response
    case "gzip":
    case "x-gzip":
      return pipeline(response, counted, createGunzip(), done)
    case "br":
      return pipeline(response, counted, createBrotliDecompress(), done)
    case "deflate":
      return pipeline(response, counted, createInflate(), done)
    default:
      response.destroy()
      throw fail("remote_unreachable", { internal: "remote_unreachable: content-encoding" })
  }
}

/** Bytes that inflate to nothing still take room and time; twice the limit is past any honest answer. */
function countBytes(maxBytes: number): Transform {
  const most = 2 * maxBytes + 64 * 1024
  let size = 0
  return new Transform({
    transform(part: Buffer, _, done) {
      size += part.byteLength
      if (size > most) done(fail("remote_too_large"))
      else done(null, part)
    },
  })
}
