import type { Archive } from "./archive.ts"
import { readRelations, walkXml } from "./office-xml.ts"
import { writeTable } from "./table-text.ts"

const workbook = "xl/workbook.xml"
const maxRows = 50_000
const maxColumns = 200

export type Sheets = { text: string; hiddenNames: string[] }

type Sheet = { name: string; part: string }
type Format = { kind: "plain" | "date" | "percent"; unit: string }
type Reading = { strings: string[]; formats: Format[]; startsIn1904: boolean }

/**
 * Reads a workbook: a heading a sheet, and each row with the names of its columns. Formulas count by
 * their stored result, links to other workbooks are not followed, hidden sheets stay hidden.
 */
export function readSheets(archive: Archive): Sheets {
  const sheets: Sheet[] = []
  const hiddenNames: string[] = []
  let startsIn1904 = false
  const relations = readRelations(archive, workbook)
  walkXml(archive, workbook, {
    open(name, attributes) {
      if (name === "workbookPr") startsIn1904 = /^(?:1|true)$/.test(attributes.date1904 ?? "")
      if (name !== "sheet") return
      const part = relations.get(attributes["r:id"] ?? "")
      if (attributes.state && attributes.state !== "visible")
        hiddenNames.push(attributes.name ?? "")
      else if (part) sheets.push({ name: attributes.name ?? "", part })
    },
  })
  const reading = { strings: readStrings(archive), formats: readFormats(archive), startsIn1904 }
  const texts = sheets.map(({ name, part }) => {
    const table = writeTable(readRows(archive, part, reading))
    return table && sheets.length > 1 ? `## ${name}\n\n${table}` : table
  })
  return { text: texts.filter(Boolean).join("\n\n"), hiddenNames }
}

function readStrings(archive: Archive): string[] {
  const strings: string[] = []
  let current = ""
  let isText = false
  let isPhonetic = false
  walkXml(archive, "xl/sharedStrings.xml", {
    open(name) {
      if (name === "si") current = ""
      else if (name === "t") isText = !isPhonetic
      else if (name === "rPh") isPhonetic = true
    },
    text(text) {
      if (isText) current += text
    },
    close(name) {
      if (name === "si") strings.push(current)
      else if (name === "t") isText = false
      else if (name === "rPh") isPhonetic = false
    },
  })
  return strings
}

/** What the number formats of the cells' styles mean, as far as reading aloud needs it. */
function readFormats(archive: Archive): Format[] {
  const codes = new Map<number, string>()
  const formats: Format[] = []
  let isCells = false
  walkXml(archive, "xl/styles.xml", {
    open(name, attributes) {
      if (name === "numFmt") codes.set(Number(attributes.numFmtId), attributes.formatCode ?? "")
      else if (name === "cellXfs") isCells = true
      else if (name === "xf" && isCells) {
        const id = Number(attributes.numFmtId ?? 0)
        formats.push(readFormat(id, codes.get(id)))
      }
    },
    close(name) {
      if (name === "cellXfs") isCells = false
    },
  })
  return formats
}

function readFormat(id: number, code: string | undefined): Format {
  const unit = code ? (/[€$£¥₺₹]|\bCHF\b|\b(?:USD|EUR|GBP)\b/.exec(code)?.[0] ?? "") : ""
  // Ids below 164 are built in (ECMA-376 part 1, 18.8.30).
  if (code === undefined) {
    const isDate = (id >= 14 && id <= 22) || (id >= 45 && id <= 47)
    return { kind: isDate ? "date" : id === 9 || id === 10 ? "percent" : "plain", unit: "" }
  }
  const bare = code.replace(/"[^"]*"|\[[^\]]*\]|\\./g, "")
  if (/%/.test(bare)) return { kind: "percent", unit: "" }
  return { kind: /[dmyhs]/i.test(bare) ? "date" : "plain", unit }
}

function readRows(archive: Archive, part: string, reading: Reading): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let column = 0
  let type = ""
  let style = 0
  let value = ""
  let isValue = false
  walkXml(archive, part, {
    open(name, attributes) {
      if (name === "row") row = []
      else if (name === "c") {
        column = attributes.r ? readColumn(attributes.r) : row.length
        type = attributes.t ?? "n"
        style = Number(attributes.s ?? 0)
        value = ""
      } else if (name === "v" || name === "t") isValue = true
    },
    text(text) {
      if (isValue) value += text
    },
    close(name) {
      if (name === "v" || name === "t") isValue = false
      else if (name === "c" && column < maxColumns) {
        while (row.length < column) row.push("")
        row[column] = readCell(value, type, reading.formats[style], reading)
      } else if (name === "row" && rows.length < maxRows) rows.push(row)
    },
  })
  return rows
}

function readColumn(reference: string): number {
  const letters = /^[A-Z]{1,3}/i.exec(reference)?.[0].toUpperCase() ?? "A"
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1
}

function readCell(value: string, type: string, format: Format | undefined, reading: Reading) {
  if (type === "s") return reading.strings[Number(value)] ?? ""
  if (type === "b") return value === "1" ? "yes" : "no"
  if (type !== "n" || value === "" || Number.isNaN(Number(value))) return type === "e" ? "" : value
  // Fifteen digits are what a spreadsheet keeps; the rest is the machine's rounding.
  const number = Number(Number(value).toPrecision(15))
  if (format?.kind === "percent") return `${Number((number * 100).toPrecision(12))} %`
  if (format?.kind === "date") return readDate(number, reading.startsIn1904)
  return format?.unit ? `${number} ${format.unit}` : String(number)
}

function readDate(days: number, startsIn1904: boolean): string {
  const epochDays = startsIn1904 ? 24_107 : 25_569
  const date = new Date(Math.round((days - epochDays) * 86_400) * 1_000)
  if (Number.isNaN(date.getTime())) return String(days)
  const [day, time] = date.toISOString().slice(0, 16).split("T") as [string, string]
  if (days < 1) return time
  return time === "00:00" ? day : `${day} ${time}`
}
