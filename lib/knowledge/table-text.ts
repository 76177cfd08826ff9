/**
 * Writes a table so that each row stands by itself: "- Product: Lamp; Price: 30 €". A passage cut
 * anywhere in a long table still says what its numbers mean.
 */
export function writeTable(rows: string[][]): string {
  const filled = rows.map((row) => row.map(toLine)).filter((row) => row.some(Boolean))
  const [first, ...rest] = filled
  if (!first) return ""
  if (!isHeader(first, rest)) return filled.map((row) => `- ${joinPlain(row)}`).join("\n")
  if (rest.length === 0) return joinPlain(first)
  return rest.map((row) => `- ${joinNamed(first, row)}`).join("\n")
}

const toLine = (text: string) => text.replace(/\s+/g, " ").trim()

/** The first row names the columns when it is full, all words, and not all rows look like it. */
function isHeader(first: string[], rest: string[][]): boolean {
  const width = Math.max(first.length, ...rest.slice(0, 50).map((row) => row.length))
  const named = first.filter((cell) => /\p{L}/u.test(cell) && cell.length <= 80)
  return width > 1 && named.length >= Math.max(2, width * 0.6) && named.length >= first.length - 1
}

const joinPlain = (row: string[]) => row.filter(Boolean).join(" | ")

function joinNamed(header: string[], row: string[]): string {
  return row
    .map((cell, i) => (cell && header[i] ? `${header[i]}: ${cell}` : cell))
    .filter(Boolean)
    .join("; ")
}
