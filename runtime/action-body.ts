import { IncomingMessage } from "node:http"

// What a page of the console sends to a server action: a short list of plain values. React's decoder takes
// far more than that (references, promises, streams, functions), has had holes, and Next answers 500 to
// what it cannot decode. So nothing but plain JSON ever reaches it.

const maxBytes = 4 * 1024 * 1024
const maxDepth = 16
/** A form has dozens; millions of empty lists in 4 MB would keep the process busy for a second. */
const maxValues = 20_000
/** How React writes the plain values that JSON has no word for. */
const marks = new Set(["$undefined", "$NaN", "$Infinity", "$-Infinity", "$-0"])

/**
 * The request of a server action again, its body read and checked; or the status that refuses it: 413 too
 * long, 415 not what React's client sends for plain values, 400 anything but a list of plain values.
 */
export async function readActionRequest(
  request: IncomingMessage,
): Promise<IncomingMessage | 400 | 413 | 415> {
  const { headers } = request
  if (!/^text\/plain(;|$)/.test(headers["content-type"] ?? "")) return 415
  if (headers["content-encoding"]) return 415
  if (Number(headers["content-length"] ?? 0) > maxBytes) return 413
  const body = await readBody(request)
  if (!body) return 413
  return isPlainList(body) ? replay(request, body) : 400
}

/** All of it, or null as soon as it is too long or the client leaves. */
function readBody(request: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    let size = 0
    request.on("data", (part: Buffer) => {
      size += part.byteLength
      if (size > maxBytes) resolve(null)
      else parts.push(part)
    })
    request.once("end", () => resolve(Buffer.concat(parts)))
    request.once("error", () => resolve(null))
  })
}

function isPlainList(body: Buffer): boolean {
  if (countValues(body) > maxValues) return false
  try {
    const values: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body))
    return Array.isArray(values) && isPlain(values, 0)
  } catch {
    return false
  }
}

/** At least as many as a parser would make, by the signs that stand outside of strings. */
function countValues(body: Buffer): number {
  let count = 1
  let isInString = false
  for (let at = 0; at < body.length && count <= maxValues; at++) {
    const byte = body[at]
    if (byte === 0x22) isInString = !isInString
    else if (isInString) at += byte === 0x5c ? 1 : 0
    else if (byte === 0x5b || byte === 0x7b || byte === 0x2c) count += 1
  }
  return count
}

/** React marks what is not a plain value by a string that begins with `$`, and doubles the sign of a real one. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === "string")
    return !value.startsWith("$") || value.startsWith("$$") || marks.has(value)
  if (value === null || typeof value !== "object") return true
  return depth < maxDepth && Object.values(value).every((inner) => isPlain(inner, depth + 1))
}

function replay(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { method, url, headers, rawHeaders, httpVersion, httpVersionMajor, httpVersionMinor } =
    request
  const again = new IncomingMessage(request.socket)
  Object.assign(again, { method, url, headers, rawHeaders, complete: true })
  Object.assign(again, { httpVersion, httpVersionMajor, httpVersionMinor })
  again.push(body)
  again.push(null)
  return again
}
