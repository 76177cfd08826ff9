// The parsers, alone in a process: they read untrusted bytes, block while they work and can take any
// amount of memory. Bytes come in on stdin, JSON goes out on stdout, progress on stderr; the parent kills
// it by the clock. Arguments: the file's type, and for web pages their address and character set.
import { buffer } from "node:stream/consumers"
import { ArchiveProblem } from "./archive.ts"
import { decodeText, type FileType } from "./file-type.ts"
import type { Pair } from "./read-pairs.ts"

export type ChildAnswer =
  | {
      pages: string[]
      title?: string
      links?: string[]
      refresh?: string | null
      isNoIndex?: boolean
      pairs?: Pair[]
      /** Sheets that were hidden, and so not read. */
      hiddenNames?: string[]
    }
  | { problem: "password" | "broken" | "bomb" | "binary" | "pairless" }

// Each parser is loaded for its own type alone: starting is most of what a small file costs.
async function read(type: FileType, bytes: Uint8Array): Promise<ChildAnswer> {
  switch (type) {
    case "pdf": {
      const { readPdf } = await import("./read-pdf.ts")
      return readPdf(bytes, (done, total) => process.stderr.write(`${done}/${total}\n`))
    }
    case "docx": {
      const { readWord } = await import("./read-word.ts")
      return { pages: [await readWord(await open(bytes))] }
    }
    case "pptx": {
      const { readSlides } = await import("./read-slides.ts")
      return { pages: readSlides(await open(bytes)) }
    }
    case "xlsx": {
      const { readSheets } = await import("./read-sheets.ts")
      const { text, hiddenNames } = readSheets(await open(bytes))
      return { pages: [text], hiddenNames }
    }
    case "html": {
      const { decodeHtml, readHtml } = await import("./read-html.ts")
      const html = decodeHtml(bytes, process.argv[4])
      if (html === null) return { problem: "binary" }
      const { text, ...page } = readHtml(html, process.argv[3])
      return { pages: [text], ...page }
    }
    case "csv": {
      const { readCsv } = await import("./read-csv.ts")
      const text = decodeText(bytes)
      return text === null ? { problem: "binary" } : { pages: [readCsv(text)] }
    }
    case "json": {
      const { readPairs } = await import("./read-pairs.ts")
      const text = decodeText(bytes)
      if (text === null) return { problem: "binary" }
      const pairs = readPairs(text.replace(/^\ufeff/, ""))
      return pairs ? { pages: [], pairs } : { problem: "pairless" }
    }
    case "text": {
      const text = decodeText(bytes)
      return text === null ? { problem: "binary" } : { pages: [text] }
    }
  }
}

async function open(bytes: Uint8Array) {
  const { openArchive } = await import("./archive.ts")
  return openArchive(bytes)
}

function describe(error: unknown): ChildAnswer {
  if (error instanceof ArchiveProblem) {
    return { problem: error.problem === "locked" ? "password" : error.problem }
  }
  const name = error instanceof Error ? error.name : ""
  return { problem: name === "PasswordException" ? "password" : "broken" }
}

const input = new Uint8Array(await buffer(process.stdin))
const answer = await read(process.argv[2] as FileType, input).catch(describe)
process.stdout.write(JSON.stringify(answer), () => process.exit(0))
