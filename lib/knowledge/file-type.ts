import { fail } from "#lib/errors.ts"
import { ArchiveProblem, openArchive } from "./archive.ts"
import { maxFileBytes } from "./schema.ts"

/** What a file is, by its bytes: neither its name nor the browser's word counts. */
export const fileTypes = ["pdf", "docx", "pptx", "xlsx", "csv", "html", "json", "text"] as const
export type FileType = (typeof fileTypes)[number]

/** How a type is written down with its source. */
export const mediaTypes: Record<FileType, string> = {
  pdf: "application/pdf",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
  text: "text/plain",
}

/** Leading bytes of what is often uploaded by mistake, with what its owner can do instead. */
const known: { magic: string; advice: string }[] = [
  { magic: "7b5c727466", advice: "RTF files cannot be read. Save it as PDF or .docx." },
  { magic: "89504e47", advice: "Pictures cannot be read. Paste their text instead." },
  { magic: "ffd8ff", advice: "Pictures cannot be read. Paste their text instead." },
  { magic: "47494638", advice: "Pictures cannot be read. Paste their text instead." },
  { magic: "25215053", advice: "PostScript files cannot be read. Save it as PDF." },
]
const allowedTypes =
  "Upload a PDF, a Word, PowerPoint or Excel file, a table (CSV), a web page, text or Markdown."
const lockedOffice = "This file is password-protected. Remove the password and upload it again."
const oldOffice = "Old Office files cannot be read. Save it as .docx, .pptx, .xlsx or PDF."

/**
 * Refuses at once what can never become knowledge: `too_large`, `invalid` (empty), `unsupported_type`.
 * What only parsing can find out is left to the worker. The name tells text from text alone (a table, a
 * list of questions, Markdown); it never makes a program a document.
 */
export function checkFile(bytes: Uint8Array, fileName = ""): FileType {
  if (bytes.length > maxFileBytes) throw fail("too_large", "Files may have up to 20 MB.")
  if (bytes.length === 0) throw emptyFile()
  if (isPdf(bytes)) return "pdf"
  const start = Buffer.from(bytes.subarray(0, 16)).toString("hex")
  if (start.startsWith("504b0304") || start.startsWith("504b0506")) return checkOffice(bytes)
  if (start.startsWith("d0cf11e0")) {
    const isLocked = Buffer.from(bytes).includes(Buffer.from("EncryptedPackage", "utf16le"))
    throw fail("unsupported_type", isLocked ? lockedOffice : oldOffice)
  }
  const match = known.find(({ magic }) => start.startsWith(magic))
  if (match) throw fail("unsupported_type", match.advice)
  const text = decodeText(bytes)
  if (text === null) throw fail("unsupported_type", allowedTypes)
  if (!/[\p{L}\p{N}]/u.test(text)) throw emptyFile()
  return readTextType(text.slice(0, 2_000), fileName)
}

/** A zip by its directory, before a byte of it is inflated. */
function checkOffice(bytes: Uint8Array): FileType {
  try {
    const { names } = openArchive(bytes)
    const holds = (pattern: RegExp) => names.some((name) => pattern.test(name))
    if (holds(/^word\/document\w*\.xml$/)) return "docx"
    if (names.includes("ppt/presentation.xml")) return "pptx"
    if (names.includes("xl/workbook.xml")) return "xlsx"
  } catch (error) {
    if (!(error instanceof ArchiveProblem)) throw error
    throw fail("unsupported_type", archiveSentences[error.problem])
  }
  throw fail("unsupported_type", "Zip files cannot be read. Upload the files in it.")
}

const archiveSentences = {
  locked: lockedOffice,
  bomb: "This file would unpack to far more than a document holds. Save it anew, or as PDF.",
  broken: "This file is damaged and cannot be opened. Save it anew and upload it again.",
} as const

function readTextType(start: string, fileName: string): FileType {
  const first = start.replace(/^\s*(?:<\?xml[^>]*>\s*|<!--[\s\S]*?-->\s*)*/i, "")
  if (/^<(?:!doctype html|html|head|body)[\s>]/i.test(first)) {
    return "html"
  }
  if (/^\s*<\?xml/i.test(start) || /^<(?:svg|!doctype)/i.test(first))
    throw fail("unsupported_type", allowedTypes)
  const extension = /\.(\w+)$/.exec(fileName.trim().toLowerCase())?.[1] ?? ""
  if (extension === "html" || extension === "htm") return "html"
  if (extension === "csv" || extension === "tsv") return "csv"
  return ["json", "jsonl", "ndjson"].includes(extension) ? "json" : "text"
}

function emptyFile() {
  return fail("invalid", {
    detail: "This file is empty.",
    issues: [{ path: "file", message: "This file is empty." }],
  })
}

/** Readers accept some bytes before the header, so a PDF that a mail gateway prefixed is still one. */
function isPdf(bytes: Uint8Array): boolean {
  const at = Buffer.from(bytes.subarray(0, 1_024)).indexOf("%PDF-")
  if (at < 0) return false
  // A picture or archive with a PDF header inside is not taken for a PDF.
  return at === 0 || decodeText(bytes.subarray(0, at)) !== null
}

/**
 * Decodes UTF-8, UTF-16 (with a mark, or told by its zero bytes) and, failing those, Latin-1. Returns
 * null for binary content.
 */
export function decodeText(bytes: Uint8Array): string | null {
  const encoding = findEncoding(bytes)
  const text = encoding ? new TextDecoder(encoding).decode(bytes) : decodeUtf8OrLatin(bytes)
  return looksBinary(text) ? null : text
}

function findEncoding(bytes: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8"
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le"
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be"
  // Latin text in UTF-16 without a mark has a zero in every second byte.
  const sample = bytes.subarray(0, 2_000)
  if (sample.length < 4) return null
  let even = 0
  let odd = 0
  for (const [i, byte] of sample.entries()) if (byte === 0) i % 2 === 0 ? even++ : odd++
  const half = sample.length / 2
  if (odd > half * 0.7 && even < half * 0.1) return "utf-16le"
  if (even > half * 0.7 && odd < half * 0.1) return "utf-16be"
  return null
}

function decodeUtf8OrLatin(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    const text = new TextDecoder("utf-8").decode(bytes)
    const broken = text.match(/\ufffd/g)?.length ?? 0
    // A few bad bytes in a long UTF-8 text are damage, not another encoding.
    return broken * 200 < text.length ? text : new TextDecoder("windows-1252").decode(bytes)
  }
}

/** Text holds hardly any control characters; programs, videos and archives are full of them. */
function looksBinary(text: string): boolean {
  const sample = text.slice(0, 50_000)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: counting them is the point
  const controls = sample.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffe\uffff]/g)
  return (controls?.length ?? 0) * 100 > sample.length
}
