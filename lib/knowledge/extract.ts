import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Page } from "./chunk.ts"
import { cleanText } from "./clean.ts"
import type { ChildAnswer } from "./extract-child.ts"
import { decodeText, type FileType } from "./file-type.ts"

/** Why a source cannot become knowledge, in a sentence its owner understands and can act on. */
export class SourceProblem extends Error {
  constructor(sentence: string) {
    super(sentence)
    this.name = "SourceProblem"
  }
}

const sentences = {
  password: "This PDF is password-protected. Remove the password and upload it again.",
  broken: "This PDF is damaged and cannot be opened. Save it anew and upload it again.",
  textless:
    "This PDF holds no text, only pictures (a scan, perhaps). Upload a version with selectable text, or paste the text.",
  slow: "This PDF takes too long to read. Split it into smaller files and upload those.",
  heavy: "This PDF is too complicated to read. Split it into smaller files and upload those.",
  empty: "There is no text in this file.",
  binary: "This file is not text. Upload a PDF, a text file or a Markdown file.",
} as const

const defaultTimeoutMs = 30_000
const memoryMegabytes = 512
const memoryCheckMs = 100
/** A page has some thousand characters: more than this is a decompression bomb, not a document. */
const maxOutputBytes = 64 * 1024 * 1024

/** Reads a file's text, page by page where it has pages. Throws SourceProblem with a plain sentence. */
export async function extractText(
  type: FileType,
  bytes: Uint8Array,
  options: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<Page[]> {
  if (type === "text") {
    const text = decodeText(bytes)
    if (text === null) throw new SourceProblem(sentences.binary)
    return requireText([{ number: null, text: cleanText(text) }], sentences.empty)
  }
  const answer = await runChild(bytes, options)
  if ("problem" in answer) throw new SourceProblem(sentences[answer.problem])
  const pages = answer.pages.map((text, i) => ({ number: i + 1, text: cleanText(text) }))
  return requireText(pages, sentences.textless)
}

function requireText(pages: Page[], sentence: string): Page[] {
  const withText = pages.filter(({ text }) => /[\p{L}\p{N}]/u.test(text))
  if (withText.length === 0) throw new SourceProblem(sentence)
  return withText
}

/** Flags under which a node process may read this program and nothing else, and starts nothing. */
export function readConfinement(): string[] {
  const project = dirname(dirname(import.meta.dirname))
  const canConfine = process.allowedNodeEnvironmentFlags.has("--permission")
  return canConfine ? ["--permission", `--allow-fs-read=${project}`] : []
}

function childArguments(): string[] {
  return [
    ...readConfinement(),
    "--no-warnings",
    `--max-old-space-size=${memoryMegabytes}`,
    join(import.meta.dirname, "extract-child.ts"),
  ]
}

function runChild(
  bytes: Uint8Array,
  {
    timeoutMs = defaultTimeoutMs,
    signal,
  }: { timeoutMs?: number; signal?: AbortSignal | undefined },
): Promise<ChildAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, childArguments(), {
      // Typed as if NODE_ENV were always there; an empty environment is the point.
      env: {} as NodeJS.ProcessEnv,
      stdio: ["pipe", "pipe", "ignore"],
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
