/** One run of glyphs as pdf.js reports it. */
export type TextItem = { str: string; height: number; y: number; hasEol: boolean }

type Line = { text: string; height: number; y: number }

/**
 * Turns the glyph runs of each page into readable text: lines joined to paragraphs, words that were
 * hyphenated at a line's end mended, bigger type marked as headings (`#`), page numbers and running
 * headers left out.
 */
export function readPdfPages(pages: TextItem[][]): string[] {
  const lines = pages.map(readLines)
  const bodyHeight = findBodyHeight(lines.flat())
  const running = findRunningLines(lines)
  return lines.map((page) =>
    writePage(
      page.filter((line, i) => !isFurniture(line, i, { lines: page, running })),
      bodyHeight,
    ),
  )
}

function readLines(items: TextItem[]): Line[] {
  const lines: Line[] = []
  let current: Line | null = null
  const flush = () => {
    const text = current?.text.replace(/\s+/g, " ").trim()
    if (current && text) lines.push({ ...current, text })
    current = null
  }
  for (const item of items) {
    if (current && item.str.trim() && Math.abs(current.y - item.y) > Math.max(2, current.height)) {
      flush()
    }
    current ??= { text: "", height: 0, y: item.y }
    current.text += item.str
    if (item.str.trim()) {
      current.height = Math.max(current.height, item.height)
      current.y = item.y
    }
    if (item.hasEol) flush()
  }
  flush()
  return lines
}

/** The size most letters are set in. */
function findBodyHeight(lines: Line[]): number {
  const letters = new Map<number, number>()
  for (const { height, text } of lines) {
    const size = Math.round(height * 2) / 2
    letters.set(size, (letters.get(size) ?? 0) + text.length)
  }
  return [...letters].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0
}

const fold = (text: string) => text.replace(/\d+/g, "#")

/** Headers and footers: the same first or last line, page number aside, on most pages. */
function findRunningLines(pages: Line[][]): Set<string> {
  const counts = new Map<string, number>()
  for (const page of pages) {
    for (const text of new Set([page[0], page.at(-1)].map((line) => fold(line?.text ?? "")))) {
      if (text) counts.set(text, (counts.get(text) ?? 0) + 1)
    }
  }
  const least = Math.max(4, pages.length * 0.6)
  return new Set([...counts].filter(([, count]) => count >= least).map(([text]) => text))
}

function isFurniture(
  line: Line,
  i: number,
  { lines, running }: { lines: Line[]; running: Set<string> },
): boolean {
  if (i !== 0 && i !== lines.length - 1) return false
  if (lines.length > 1 && /^[-–—\s]*\d{1,4}[-–—\s]*$/.test(line.text)) return true
  return running.has(fold(line.text))
}

function writePage(lines: Line[], bodyHeight: number): string {
  let text = ""
  let previous: Line | null = null
  for (const line of lines) {
    const level = findLevel(line, bodyHeight)
    const shown = level ? `${"#".repeat(level)} ${line.text}` : line.text
    if (!previous) text = shown
    else if (level || findLevel(previous, bodyHeight) || isNewParagraph(previous, line)) {
      text += `\n\n${shown}`
    } else if (/^(?:[-*+•‣◦▪]|\d{1,3}[.)])\s/.test(line.text)) text += `\n${shown}`
    else text = joinLine(text, shown)
    previous = line
  }
  return text
}

function findLevel({ height, text }: Line, bodyHeight: number): number {
  if (bodyHeight === 0 || text.length > 120 || !/\p{L}{2}/u.test(text)) return 0
  if (height >= bodyHeight * 1.6) return 1
  return height >= bodyHeight * 1.2 ? 2 : 0
}

function isNewParagraph(previous: Line, line: Line): boolean {
  const gap = previous.y - line.y
  const size = Math.max(previous.height, line.height, 1)
  return gap > size * 1.75 || gap < -size
}

function joinLine(text: string, line: string): string {
  if (/\p{L}[-\u00ad\u2010]$/u.test(text) && /^\p{Ll}/u.test(line)) return text.slice(0, -1) + line
  const isUnspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。，]$/u.test(text)
  return text + (isUnspaced ? "" : " ") + line
}
