export type ImportedRow = {
  /** Counted from 1, in the text as it was pasted. */
  line: number
  question: string
  expects: "answer" | "refusal"
  sourceTitle: string | null
  phrase: string | null
}

const columns = ["question", "source", "phrase", "expects"] as const
type Column = (typeof columns)[number]

/** What people write for "the bot should say that it doesn't know". */
const refusals = /^(?:refuse|refusal|should refuse|no|none|unknown|x)$/i

/**
 * Reads pasted questions: one a line, or CSV (RFC 4180; commas, semicolons or tabs) with a first line that
 * names its columns: question, source, phrase, expects ("refuse").
 */
export function readImport(text: string): ImportedRow[] {
  const clean = text.replace(/^\uFEFF/, "")
  const firstLine = clean.slice(0, clean.search(/\r?\n|$/))
  const separator = [",", ";", "\t"].find((one) => readHeader(firstLine, one))
  const header = separator ? readHeader(firstLine, separator) : null
  if (!separator || !header) return readLines(clean)
  return readCsv(clean, separator)
    .slice(1)
    .flatMap(({ line, cells }) => {
      const cell = (column: Column) => cells[header.indexOf(column)]?.trim() ?? ""
      const question = cell("question").replace(/\s+/g, " ")
      if (!question) return []
      const isRefusal = refusals.test(cell("expects"))
      return {
        line,
        question,
        expects: isRefusal ? ("refusal" as const) : ("answer" as const),
        sourceTitle: isRefusal ? null : cell("source") || null,
        phrase: isRefusal ? null : cell("phrase") || null,
      }
    })
}

function readLines(text: string): ImportedRow[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const question = line.replace(/^\s*(?:[-*•]|\d+[.)])\s+/, "").trim()
    if (!question) return []
    return { line: i + 1, question, expects: "answer" as const, sourceTitle: null, phrase: null }
  })
}

function readHeader(line: string, separator: string): string[] | null {
  const names = line.split(separator).map((name) => name.replaceAll('"', "").trim().toLowerCase())
  const isKnown = names.every((name) => (columns as readonly string[]).includes(name))
  return isKnown && names.includes("question") && (names.length > 1 || separator === ",")
    ? names
    : null
}

function readCsv(text: string, separator: string): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = []
  let cells: string[] = []
  let cell = ""
  let isQuoted = false
  let line = 1
  let startedAt = 1
  const endRow = () => {
    cells.push(cell)
    if (cells.some((one) => one.trim() !== "")) rows.push({ line: startedAt, cells })
    cells = []
    cell = ""
    startedAt = line
  }
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === "\n") line++
    if (isQuoted) {
      if (char !== '"') cell += char
      else if (text[i + 1] === '"') {
        cell += '"'
        i++
      } else isQuoted = false
    } else if (char === '"' && cell === "") isQuoted = true
    else if (char === separator) {
      cells.push(cell)
      cell = ""
    } else if (char === "\n") endRow()
    else if (char !== "\r") cell += char
  }
  endRow()
  return rows
}
