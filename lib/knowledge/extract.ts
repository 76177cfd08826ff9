import { spawn } from "node:child_process"
import { readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Page } from "./chunk.ts"
import { cleanText, cleanTitle } from "./clean.ts"
import type { ChildAnswer } from "./extract-child.ts"
import { decodeText, type FileType } from "./file-type.ts"
import type { Pair } from "./read-pairs.ts"

/** Why a source cannot become knowledge, in a sentence its owner understands and can act on. */
export class SourceProblem extends Error {
  constructor(sentence: string) {
    super(sentence)
    this.name = "SourceProblem"
  }
}

const sentences = {
  password: "This file is password-protected. Remove the password and upload it again.",
  broken: "This file is damaged and cannot be opened. Save it anew and upload it again.",
  scanned:
    "This PDF holds no text, only pictures (a scan, perhaps). Upload a version with selectable text, or paste the text.",
  slow: "This file takes too long to read. Split it into smaller files and upload those.",
  heavy: "This file is too complicated to read. Split it into smaller files and upload those.",
  bomb: "This file would unpack to far more than a document holds. Save it anew, or as PDF.",
  empty: "There is no text in this file.",
  emptyPage:
    "There is no text on this page. If a program in the browser writes it, paste the text instead.",
  binary: "This file is not text. Upload a PDF, an Office file, a web page, text or Markdown.",
  pairless:
    "No questions and answers were found in this file. Each entry needs a “question” and an “answer”.",
} as const

const defaultTimeoutMs = 30_000
const memoryMegabytes = 512
const memoryCheckMs = 100
/** A page has some thousand characters: more than this is a decompression bomb, not a document. */
const maxOutputBytes = 64 * 1024 * 1024

/** What was read from a file or a web page. */
export type Extract = {
  pages: Page[]
  /** Set for an import of questions and answers; then there are no pages. */
  pairs?: Pair[]
  /** The page's own title, where it has one. */
  title?: string
  links?: string[]
  refresh?: string | null
  isNoIndex?: boolean
  /** A sentence for the owner about what was left out. */
  notice: string | null
}

export type ExtractOptions = {
  timeoutMs?: number
  signal?: AbortSignal | undefined
  /** Of a web page: what its links are relative to, and what its server calls its characters. */
  url?: string
  charset?: string
  onPage?: (done: number, total: number) => void
}

/** Reads a file's text, page by page where it has pages. Throws SourceProblem with a plain sentence. */
export async function extractText(
  type: FileType,
  bytes: Uint8Array,
  options: ExtractOptions = {},
): Promise<Extract> {
  if (type === "text") {
    const text = decodeText(bytes)
    if (text === null) throw new SourceProblem(sentences.binary)
    return requireText({ pages: [{ number: null, text: cleanText(text) }], notice: null }, "empty")
  }
  const answer = await runChild(type, bytes, options)
  if ("problem" in answer) throw new SourceProblem(sentences[answer.problem])
  const { pages: texts, pairs, title, hiddenNames = [], ...page } = answer
  if (pairs) return { pages: [], pairs: pairs.map(cleanPair), notice: null }
  const isPaged = type === "pdf" || type === "pptx"
  const pages = texts.map((text, i) => ({ number: isPaged ? i + 1 : null, text: cleanText(text) }))
  const extract: Extract = {
    ...page,
    pages,
    ...(title ? { title: cleanTitle(title) } : {}),
    notice: isPaged ? noticeEmptyPages(type, pages) : noticeHidden(hiddenNames),
  }
  // A page of links alone leads on all the same; whoever asked decides what that is worth.
  if (type === "html" && options.url) return extract
  return requireText(extract, type === "pdf" ? "scanned" : "empty")
}

/** The sentence for a page without a word. */
export const emptyPageSentence = sentences.emptyPage

function cleanPair({ question, answer }: Pair): Pair {
  return { question: cleanTitle(question, 500), answer: cleanText(answer) }
}

const hasText = (text: string) => /[\p{L}\p{N}]/u.test(text)

function requireText(extract: Extract, sentence: "empty" | "scanned"): Extract {
  const pages = extract.pages.filter(({ text }) => hasText(text))
  if (pages.length === 0) throw new SourceProblem(sentences[sentence])
  return { ...extract, pages }
}

function noticeEmptyPages(type: FileType, pages: Page[]): string | null {
  const empty = pages.filter(({ text }) => !hasText(text)).map(({ number }) => number!)
  if (empty.length === 0) return null
  const what = type === "pptx" ? "Slide" : "Page"
  const listed = listRanges(empty)
  const start = empty.length === 1 ? `${what} ${listed} holds` : `${what}s ${listed} hold`
  return `${start} no text, only pictures perhaps. The bot knows the rest.`
}

/** 2, 5–7, 9; cut where the list gets long. */
function listRanges(numbers: number[]): string {
  const ranges: [number, number][] = []
  for (const number of numbers) {
    const last = ranges.at(-1)
    if (last && number === last[1] + 1) last[1] = number
    else ranges.push([number, number])
  }
  const shown = ranges.slice(0, 12).map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`))
  return shown.join(", ") + (ranges.length > 12 ? " and others" : "")
}

function noticeHidden(names: string[]): string | null {
  if (names.length === 0) return null
  const listed = names.slice(0, 5).map((name) => `“${cleanTitle(name, 60)}”`)
  return `Hidden sheets were not read: ${listed.join(", ")}${names.length > 5 ? " and others" : ""}.`
}

/** Flags under which a node process may read this program and nothing else, and starts nothing. */
export function readConfinement(): string[] {
  const project = dirname(dirname(import.meta.dirname))
  // Not the whole project: a data folder with its secrets may lie in it.
  const readable = ["lib", "node_modules", "package.json"].map((name) =>
    realpathSync(join(project, name)),
  )
  const canConfine = process.allowedNodeEnvironmentFlags.has("--permission")
  return canConfine ? ["--permission", ...readable.map((path) => `--allow-fs-read=${path}`)] : []
}

function childArguments(type: FileType, { url = "", charset = "" }: ExtractOptions): string[] {
  return [
    ...readConfinement(),
    "--no-warnings",
    `--max-old-space-size=${memoryMegabytes}`,
    join(import.meta.dirname, "extract-child.ts"),
    type,
    url,
    charset,
  ]
}

function runChild(
  type: FileType,
  bytes: Uint8Array,
  options: ExtractOptions,
): Promise<ChildAnswer> {
  const { timeoutMs = defaultTimeoutMs, signal, onPage } = options
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, childArguments(type, options), {
      // Typed as if NODE_ENV were always there; an empty environment is the point.
      env: {} as NodeJS.ProcessEnv,
      stdio: ["pipe", "pipe", "pipe"],
    })
    const output: Buffer[] = []
    let size = 0
    let cause: "slow" | "heavy" | "aborted" | null = null
    const kill = (why: typeof cause) => {
      cause ??= why
      child.kill("SIGKILL")
    }
    const timer = setTimeout(() => kill("slow"), timeoutMs)
    // The heap limit counts no buffers, and a small stream can inflate to gigabytes of them.
    const watch = setInterval(() => {
      if (readResidentMegabytes(child.pid) > memoryMegabytes) kill("heavy")
    }, memoryCheckMs)
    const abort = () => kill("aborted")
    signal?.addEventListener("abort", abort, { once: true })
    if (signal?.aborted) abort()
    child.stdout.on("data", (part: Buffer) => {
      size += part.length
      if (size > maxOutputBytes) kill("heavy")
      else output.push(part)
    })
    child.stderr.on("data", (part: Buffer) => {
      const [, done, total] = /(\d+)\/(\d+)\n[^\n]*$/.exec(String(part).slice(-200)) ?? []
      if (done && total) onPage?.(Number(done), Number(total))
    })
    // The child may die before it has read everything; its exit says what happened.
    child.stdin.on("error", () => {})
    child.stdin.end(bytes)
    child.once("error", reject)
    child.once("close", (code) => {
      clearTimeout(timer)
      clearInterval(watch)
      signal?.removeEventListener("abort", abort)
      if (cause === "aborted") reject(signal?.reason ?? new Error("Stopped"))
      else if (cause) reject(new SourceProblem(sentences[cause]))
      else if (code === 0) resolve(JSON.parse(Buffer.concat(output).toString("utf8")))
      // It ends by itself with another code only when it runs out of memory or stack.
      else reject(new SourceProblem(sentences.heavy))
    })
  })
}

/** What a process holds in memory; 0 where the system does not say (only Linux does it this cheaply). */
function readResidentMegabytes(pid: number | undefined): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1])
    return (pages * 4_096) / (1024 * 1024)
  } catch {
    return 0
  }
}
