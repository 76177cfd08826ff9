import { inflateRawSync } from "node:zlib"

// Guarantees: nothing of an archive is inflated before its directory has been judged as a whole, and
// inflating stops at the size the directory names: a lying size costs no more than an honest one.

export type Archive = { names: string[]; read: (name: string) => Uint8Array | null }

/** `bomb`: would inflate to too much. `locked`: needs a password. `broken`: not an archive we trust. */
export class ArchiveProblem extends Error {
  readonly problem: "bomb" | "locked" | "broken"

  constructor(problem: ArchiveProblem["problem"]) {
    super(problem)
    this.name = "ArchiveProblem"
    this.problem = problem
  }
}

type Entry = { at: number; method: number; packedBytes: number; bytes: number }

const maxEntries = 10_000
/** Of everything in it, and of one part: more than any document holds in text. */
const maxTotalBytes = 300 * 1024 * 1024
const maxPartBytes = 128 * 1024 * 1024
/** Deflate cannot honestly do better than about 1,030 to 1; real documents stay under 60. */
const maxRatio = 250
const ratioFreeBytes = 1024 * 1024

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50

/**
 * Reads a zip's directory and refuses it as a whole: too many or too large entries, names that lead out,
 * ZIP64, passwords, entries that share bytes. Reads from memory, writes nothing. Throws ArchiveProblem.
 */
export function openArchive(bytes: Uint8Array): Archive {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries = readDirectory(view)
  return {
    names: [...entries.keys()],
    read(name) {
      const entry = entries.get(name)
      return entry ? readEntry(view, entry) : null
    },
  }
}

function readDirectory(view: Buffer): Map<string, Entry> {
  const end = findEnd(view)
  const count = view.readUInt16LE(end + 10)
  const directoryAt = view.readUInt32LE(end + 16)
  if (count === 0xffff || directoryAt === 0xffffffff) throw new ArchiveProblem("bomb")
  if (count > maxEntries) throw new ArchiveProblem("bomb")
  const entries = new Map<string, Entry>()
  let at = directoryAt
  let total = 0
  let packedTotal = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.readUInt32LE(at) !== entrySignature)
      throw new ArchiveProblem("broken")
    const flags = view.readUInt16LE(at + 8)
    const entry = {
      method: view.readUInt16LE(at + 10),
      packedBytes: view.readUInt32LE(at + 20),
      bytes: view.readUInt32LE(at + 24),
      at: view.readUInt32LE(at + 42),
    }
    const nameBytes = view.readUInt16LE(at + 28)
    const name = view.toString("utf8", at + 46, at + 46 + nameBytes)
    if (flags & 1) throw new ArchiveProblem("locked")
    if (isEscape(name) || isLink(view, at) || entries.has(name)) throw new ArchiveProblem("broken")
    total += entry.bytes
    packedTotal += entry.packedBytes
    if (isTooMuch(entry) || total > maxTotalBytes) throw new ArchiveProblem("bomb")
    // Entries that share bytes are how a small file holds a hundred large ones.
    if (packedTotal > view.length) throw new ArchiveProblem("bomb")
    entries.set(name, entry)
    at += 46 + nameBytes + view.readUInt16LE(at + 30) + view.readUInt16LE(at + 32)
  }
  return entries
}

function findEnd(view: Buffer): number {
  const first = Math.max(0, view.length - 22 - 0xffff)
  for (let at = view.length - 22; at >= first; at--) {
    if (view.readUInt32LE(at) === endSignature) return at
  }
  throw new ArchiveProblem("broken")
}

/** Names are keys of a map here and never paths; an archive that tries is still no document. */
function isEscape(name: string): boolean {
  return /^[/\\]|^[a-z]:|\\|\0/i.test(name) || name.split("/").includes("..")
}

function isLink(view: Buffer, at: number): boolean {
  return ((view.readUInt32LE(at + 38) >>> 16) & 0o170000) === 0o120000
}

function isTooMuch({ bytes, packedBytes }: Entry): boolean {
  if (bytes === 0xffffffff || packedBytes === 0xffffffff || bytes > maxPartBytes) return true
  return bytes > ratioFreeBytes && bytes > packedBytes * maxRatio
}

function readEntry(view: Buffer, entry: Entry): Uint8Array {
  if (entry.at + 30 > view.length || view.readUInt32LE(entry.at) !== localSignature) {
    throw new ArchiveProblem("broken")
  }
  const start = entry.at + 30 + view.readUInt16LE(entry.at + 26) + view.readUInt16LE(entry.at + 28)
  const packed = view.subarray(start, start + entry.packedBytes)
  if (entry.method === 0) return packed
  if (entry.method !== 8) throw new ArchiveProblem("broken")
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.bytes) })
  } catch (error) {
    const isLarger = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
    throw new ArchiveProblem(isLarger ? "bomb" : "broken")
  }
}
