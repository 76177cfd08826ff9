import { strToU8, zipSync } from "fflate"

/** Writes Office files as small as they get, for tests. */

type Parts = Record<string, string>

export const makeZip = (parts: Record<string, string | Uint8Array>): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(parts).map(([name, body]) => [
        name,
        typeof body === "string" ? strToU8(body) : body,
      ]),
    ),
  )

const relations = (entries: [id: string, type: string, target: string, mode?: string][]) =>
  `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${entries
    .map(
      ([id, type, target, mode]) =>
        `<Relationship Id="${id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${type}" Target="${target}"${mode ? ` TargetMode="${mode}"` : ""}/>`,
    )
    .join("")}</Relationships>`

const types = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>`

/** `body`: paragraphs as XML of the `w:` namespace. */
export function makeWord(body: string, extra: Parts = {}): Uint8Array {
  return makeZip({
    "[Content_Types].xml": types,
    "_rels/.rels": relations([["r1", "officeDocument", "word/document.xml"]]),
    "word/_rels/document.xml.rels": relations([
      ["rStyles", "styles", "styles.xml"],
      ["rLink", "hyperlink", "http://127.0.0.1:9/sink", "External"],
      ["rImage", "image", "http://127.0.0.1:9/picture.png", "External"],
      ["rTemplate", "attachedTemplate", "http://127.0.0.1:9/template.dotm", "External"],
    ]),
    "word/styles.xml": `<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>`,
    "word/document.xml": `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><w:body>${body}</w:body></w:document>`,
    ...extra,
  })
}

export const wordParagraph = (text: string, style = "") =>
  `<w:p>${style ? `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>` : ""}<w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`

export const wordTable = (rows: string[][]) =>
  `<w:tbl>${rows
    .map(
      (row) => `<w:tr>${row.map((cell) => `<w:tc>${wordParagraph(cell)}</w:tc>`).join("")}</w:tr>`,
    )
    .join("")}</w:tbl>`

/** One slide an entry: its title and its lines. */
export function makeSlides(slides: { title?: string; lines: string[] }[], extra: Parts = {}) {
  const paragraph = (text: string) => `<a:p><a:r><a:t>${text}</a:t></a:r></a:p>`
  const parts: Parts = {
    "[Content_Types].xml": types,
    // Listed the other way round: the order is the presentation's, not the archive's.
    "ppt/_rels/presentation.xml.rels": relations(
      slides
        .map((_, i): [string, string, string] => [`r${i}`, "slide", `slides/slide${i}.xml`])
        .reverse(),
    ),
    "ppt/presentation.xml": `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>${slides.map((_, i) => `<p:sldId id="${256 + i}" r:id="r${i}"/>`).join("")}</p:sldIdLst></p:presentation>`,
  }
  for (const [i, { title, lines }] of slides.entries()) {
    const heading = title
      ? `<p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr><p:txBody>${paragraph(title)}</p:txBody></p:sp>`
      : ""
    parts[`ppt/slides/slide${i}.xml`] =
      `<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree>${heading}<p:sp><p:nvSpPr><p:nvPr/></p:nvSpPr><p:txBody>${lines.map(paragraph).join("")}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>`
  }
  return makeZip({ ...parts, ...extra })
}

type Cell = string | number | { value: number; style: number }

/** Styles: 1 a date, 2 a percentage, 3 euros. */
export function makeWorkbook(
  sheets: { name: string; rows: Cell[][]; state?: string }[],
  extra: Parts = {},
) {
  const strings: string[] = []
  const cell = (value: Cell, reference: string) => {
    if (typeof value === "number") return `<c r="${reference}"><v>${value}</v></c>`
    if (typeof value === "object")
      return `<c r="${reference}" s="${value.style}"><v>${value.value}</v></c>`
    return `<c r="${reference}" t="s"><v>${strings.push(value) - 1}</v></c>`
  }
  const parts: Parts = {
    "[Content_Types].xml": types,
    "xl/_rels/workbook.xml.rels": relations(
      sheets.map((_, i) => [`r${i}`, "worksheet", `/xl/worksheets/sheet${i}.xml`]),
    ),
    "xl/workbook.xml": `<workbook xmlns="x" xmlns:r="r"><sheets>${sheets.map(({ name, state }, i) => `<sheet name="${name}" sheetId="${i + 1}" ${state ? `state="${state}"` : ""} r:id="r${i}"/>`).join("")}</sheets></workbook>`,
    "xl/styles.xml": `<styleSheet xmlns="x"><numFmts><numFmt numFmtId="170" formatCode="#,##0.00 &quot;€&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="9"/><xf numFmtId="170"/></cellXfs></styleSheet>`,
  }
  for (const [i, { rows }] of sheets.entries()) {
    parts[`xl/worksheets/sheet${i}.xml`] =
      `<worksheet xmlns="x"><sheetData>${rows.map((row, y) => `<row r="${y + 1}">${row.map((value, x) => cell(value, `${String.fromCharCode(65 + x)}${y + 1}`)).join("")}</row>`).join("")}</sheetData></worksheet>`
  }
  parts["xl/sharedStrings.xml"] =
    `<sst xmlns="x">${strings.map((text) => `<si><t>${text}</t></si>`).join("")}</sst>`
  return makeZip({ ...parts, ...extra })
}
