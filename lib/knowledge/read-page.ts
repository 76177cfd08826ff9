import { createHash } from "node:crypto"
import { Failure } from "#lib/errors.ts"
import { type Extract, emptyPageSentence, extractText, SourceProblem } from "./extract.ts"
import { checkFile, type FileType } from "./file-type.ts"
import { pageLimits } from "./quotas.ts"
import type { Fetch } from "./robots.ts"

/** Trouble that may pass: the page is tried again later. Its message is the sentence if it does not. */
export class PassingProblem extends SourceProblem {
  constructor(sentence: string) {
    super(sentence)
    this.name = "PassingProblem"
  }
}

/** What the last reading of a page left, to ask whether anything changed. */
export type PageMemory = {
  url: string
  etag: string | null
  lastModified: string | null
  contentHash: string | null
}

export type PageReading =
  | { isUnchanged: true; byteCount: number }
  | {
      isUnchanged: false
      /** Where the last redirect led. */
      url: string
      extract: Extract
      etag: string | null
      lastModified: string | null
      contentHash: string
      byteCount: number
    }

const accept = "text/html,application/xhtml+xml,application/pdf;q=0.9,text/*;q=0.8,*/*;q=0.5"

/**
 * Fetches a page and reads its text; says so when it has not changed since `memory`. Throws
 * PassingProblem or SourceProblem with a sentence, and what stops the worker.
 */
export async function readPage(
  get: Fetch,
  memory: PageMemory,
  signal?: AbortSignal,
): Promise<PageReading> {
  const startedAt = performance.now()
  const response = await fetchPage(get, memory, signal)
  const byteCount = response.body.length
  if (response.status === 304) return { isUnchanged: true, byteCount }
  refuseStatus(response.status)
  const mediaType = response.headers.get("content-type") ?? ""
  const type = judgeType(response.body, mediaType, response.url)
  if (response.isCut && type !== "html") throw new SourceProblem(sentences.large)
  const isLong = type === "html" && byteCount > pageLimits.htmlBytes
  const bytes = isLong ? response.body.subarray(0, pageLimits.htmlBytes) : response.body
  const contentHash = createHash("sha256").update(bytes).digest("hex")
  if (contentHash === memory.contentHash) return { isUnchanged: true, byteCount }
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(mediaType)?.[1]
  const extract = await extractText(type, bytes, {
    url: response.url,
    timeoutMs: pageLimits.wholeMs - (performance.now() - startedAt),
    signal,
    ...(charset ? { charset } : {}),
  })
  return {
    isUnchanged: false,
    url: response.url,
    extract: isLong ? { ...extract, notice: sentences.cut } : extract,
    etag: shortHeader(response.headers, "etag"),
    lastModified: shortHeader(response.headers, "last-modified"),
    contentHash,
    byteCount,
  }
}

const sentences = {
  gone: "This page is not there (any more).",
  closed: "This page asks for a sign-in. Only pages that everyone can see can be read.",
  refused: "The website refused to show this page.",
  busy: "The website is busy or has a problem. Try again later.",
  unreachable: "The website did not answer. Check the address, then try again.",
  address: "This address cannot be read: it is not a public web page.",
  loop: "This address leads on from page to page without end.",
  large: "What this address holds is too large. Pages may have 5 MB, files 20 MB.",
  cut: "This page is very long: its first 5 MB were read.",
  unreadable: "This address holds no text that can be read.",
} as const

async function fetchPage(get: Fetch, memory: PageMemory, signal?: AbortSignal) {
  // Without what was learned from it, "not modified" would be of no use.
  const isKnown = memory.contentHash !== null
  try {
    return await get(memory.url, {
      allowsHttp: true,
      maxBytes: pageLimits.fileBytes,
      cutsAtLimit: true,
      timeoutMs: pageLimits.timeoutMs,
      headers: {
        accept,
        ...(isKnown && memory.etag ? { "if-none-match": memory.etag } : {}),
        ...(isKnown && memory.lastModified ? { "if-modified-since": memory.lastModified } : {}),
      },
      ...(signal ? { signal } : {}),
    })
  } catch (error) {
    signal?.throwIfAborted()
    throw explainFetch(error)
  }
}

/** What the way out said, as a sentence for the page's owner. */
export function explainFetch(error: unknown): unknown {
  if (!(error instanceof Failure)) return error
  switch (error.code) {
    case "url_not_allowed":
      return new SourceProblem(sentences.address)
    case "redirect_limit":
      return new SourceProblem(sentences.loop)
    case "remote_too_large":
      return new SourceProblem(sentences.large)
    case "remote_timeout":
    case "remote_unreachable":
      return new PassingProblem(sentences.unreachable)
    default:
      return error
  }
}

function refuseStatus(status: number): void {
  if (status >= 200 && status < 300) return
  if (status === 404 || status === 410) throw new SourceProblem(sentences.gone)
  if (status === 401 || status === 407) throw new SourceProblem(sentences.closed)
  if (status === 429 || status === 408 || status >= 500) throw new PassingProblem(sentences.busy)
  throw new SourceProblem(sentences.refused)
}

/** By the bytes; the server's word tells only a page from other text. */
function judgeType(body: Uint8Array, mediaType: string, url: string): FileType {
  try {
    const isHtml = /^\s*(?:text\/html|application\/xhtml\+xml)/i.test(mediaType)
    const type = checkFile(body, isHtml ? "page.html" : new URL(url).pathname)
    return type
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new SourceProblem(error.code === "invalid" ? emptyPageSentence : sentences.unreadable)
  }
}

/** Sent back as it came, so it must be short and printable. */
function shortHeader(headers: Headers, name: string): string | null {
  const value = headers.get(name)
  return value && value.length <= 200 && /^[\x21-\x7e ]+$/.test(value) ? value : null
}
