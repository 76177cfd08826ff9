import { deflateSync } from "node:zlib"

/** Writes PDFs as small as they get, for tests: one string a line, one list of lines a page. */

type Line = string | { text: string; size: number }
type PdfOptions = {
  /** Asks readers for a password that nobody has. */
  isEncrypted?: boolean
  /** Takes the place of the text of every page. */
  content?: Buffer
}

export function makePdf(pages: Line[][], options: PdfOptions = {}): Uint8Array {
  const objects: Buffer[] = []
  const add = (body: string | Buffer) => objects.push(Buffer.from(body))
  const pageIds = pages.map((_, i) => 4 + i * 2)
  add("<< /Type /Catalog /Pages 2 0 R >>")
  add(
    `<< /Type /Pages /Count ${pages.length} /Kids [${pageIds.map((id) => `${id} 0 R`).join(" ")}] >>`,
  )
  add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
  for (const [i, lines] of pages.entries()) {
    add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${pageIds[i]! + 1} 0 R
       /Resources << /Font << /F1 3 0 R >> >> >>`,
    )
    const stream = options.content ?? deflateSync(Buffer.from(writeLines(lines), "latin1"))
    add(
      Buffer.concat([
        Buffer.from(`<< /Length ${stream.length} /Filter /FlateDecode >>\nstream\n`),
        stream,
        Buffer.from("\nendstream"),
      ]),
    )
  }
  const key = "41".repeat(32)
  if (options.isEncrypted) {
    add(`<< /Filter /Standard /V 1 /R 2 /O <${key}> /U <${key}> /P -4 >>`)
  }
  return assemble(objects, options.isEncrypted ? objects.length : null)
}

function writeLines(lines: Line[]): string {
  let y = 800
  return lines
    .map((line) => {
      const { text, size } = typeof line === "string" ? { text: line, size: 12 } : line
      y -= size * 1.3 + (text === "" ? 10 : 0)
      const escaped = text.replace(/[\\()]/g, "\\$&")
      return `BT /F1 ${size} Tf 50 ${y} Td (${escaped}) Tj ET`
    })
    .join("\n")
}

function assemble(objects: Buffer[], encryptId: number | null): Uint8Array {
  const parts = [Buffer.from("%PDF-1.4\n")]
  const offsets: number[] = []
  let size = parts[0]!.length
  for (const [i, body] of objects.entries()) {
    const part = Buffer.concat([Buffer.from(`${i + 1} 0 obj\n`), body, Buffer.from("\nendobj\n")])
    offsets.push(size)
    size += part.length
    parts.push(part)
  }
  const rows = offsets.map((at) => `${String(at).padStart(10, "0")} 00000 n \n`).join("")
  const encrypt = encryptId ? `/Encrypt ${encryptId} 0 R /ID [<${"00".repeat(16)}> <00>]` : ""
  parts.push(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}` +
        `trailer << /Size ${objects.length + 1} /Root 1 0 R ${encrypt} >>\nstartxref\n${size}\n%%EOF`,
    ),
  )
  return Buffer.concat(parts)
}
