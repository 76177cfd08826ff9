import { fail } from "#lib/errors.ts"
import { toStorable } from "#lib/text.ts"

/** Reads at most `maxBytes` of a body, whatever Content-Length claims; throws `too_large`. */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw fail("too_large")
  if (!request.body) return new Uint8Array()
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += part.byteLength
    if (size > maxBytes) throw fail("too_large")
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** JSON in UTF-8 of one of the types given; throws `unsupported_type`, `too_large`, `malformed`. */
export async function readJson(
  request: Request,
  types: string[],
  maxBytes: number,
): Promise<unknown> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? ""
  if (!types.includes(type)) throw fail("unsupported_type", `Send the body as ${types[0]}.`)
  if (request.headers.has("content-encoding"))
    throw fail("unsupported_type", "Send the body uncompressed.")
  const bytes = await readBytes(request, maxBytes)
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    return JSON.parse(text, (_key, value) =>
      typeof value === "string" ? toStorable(value) : value,
    )
  } catch {
    throw fail("malformed")
  }
}

const uploadsAtOnce = 2
const uploadsWaiting = 20
let uploads = 0
const waiting: (() => void)[] = []

/**
 * Holds one of this process's few places for uploads, whose bodies lie in memory whole. Others wait, their
 * bodies unread; beyond that throws `rate_limited`.
 */
export async function withUploadPlace<T>(work: () => Promise<T>): Promise<T> {
  if (uploads < uploadsAtOnce) uploads++
  else if (waiting.length < uploadsWaiting)
    await new Promise<void>((resolve) => waiting.push(resolve))
  else {
    throw fail("rate_limited", {
      detail: "Many files are arriving right now. Try again in a few seconds.",
      headers: { "retry-after": "5" },
    })
  }
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else uploads--
  }
}

/** The file of a multipart form (field `file`) with its name; throws `unsupported_type`, `too_large`, `invalid`. */
export async function readFile(
  request: Request,
  maxBytes: number,
): Promise<{ fileName: string; mediaType: string; bytes: Uint8Array }> {
  const type = request.headers.get("content-type") ?? ""
  if (!/^multipart\/form-data\s*;/i.test(type))
    throw fail("unsupported_type", "Send the file as multipart/form-data.")
  // The form's own frame is small; the file's size is checked again exactly where it is stored.
  const bytes = await readBytes(request, maxBytes + 64 * 1024)
  let form: FormData
  try {
    form = await new Response(bytes as BodyInit, { headers: { "content-type": type } }).formData()
  } catch {
    throw fail("malformed")
  }
  const file = form.get("file")
  if (!(file instanceof File)) {
    throw fail("invalid", {
      detail: "Choose a file.",
      issues: [{ path: "file", message: "Choose a file." }],
    })
  }
  return {
    fileName: file.name,
    mediaType: file.type,
    bytes: new Uint8Array(await file.arrayBuffer()),
  }
}
