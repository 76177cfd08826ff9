import { writeTable } from "./table-text.ts"

/** As much of a DOM node as reading needs; linkedom's nodes fit. */
export type HtmlNode = {
  nodeType: number
  nodeName: string
  textContent: string | null
  childNodes: ArrayLike<HtmlNode>
  getAttribute?: (name: string) => string | null
}

/** Never text for people. */
const dropped = new Set(
  "SCRIPT STYLE NOSCRIPT TEMPLATE SVG MATH IFRAME OBJECT CANVAS VIDEO AUDIO SELECT BUTTON INPUT TEXTAREA HEAD LINK META".split(
    " ",
  ),
)
/** A site's frame around its page. */
const frame = new Set(["NAV", "FOOTER", "ASIDE", "FORM", "DIALOG"])
const blocks = new Set(
  "P DIV SECTION ARTICLE MAIN HEADER FOOTER ASIDE NAV BLOCKQUOTE FIGURE FIGCAPTION ADDRESS DETAILS SUMMARY DL DT DD BODY HTML FORM FIELDSET HR".split(
    " ",
  ),
)
const maxDepth = 250

type Writer = { parts: string[]; line: string; isFrameDropped: boolean }

/**
 * Writes a page's elements as Markdown that the chunker reads: headings, lists, one line a table row with
 * its column names, code. Links keep their words alone, so no address is shown that nobody vetted.
 */
export function writeHtml(root: HtmlNode, options: { dropsFrame?: boolean } = {}): string {
  const writer = { parts: [], line: "", isFrameDropped: options.dropsFrame === true }
  write(writer, root, 0, "")
  endBlock(writer)
  return writer.parts.join("\n\n").replaceAll("\n\n\u0000", "\n").replaceAll("\u0000", "")
}

function endBlock(writer: Writer, mark = ""): void {
  const text = writer.line
    .replace(/[ \t\u00a0]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .trim()
  if (text) writer.parts.push(mark + text)
  writer.line = ""
}

function write(writer: Writer, node: HtmlNode, depth: number, indent: string): void {
  if (node.nodeType === 3) {
    writer.line += (node.textContent ?? "").replace(/\s+/g, " ").replaceAll("\u0000", "")
    return
  }
  const name = node.nodeName.toUpperCase()
  if (node.nodeType !== 1 && node.nodeType !== 9 && node.nodeType !== 11) return
  if (dropped.has(name) || depth > maxDepth) return
  if (writer.isFrameDropped && isFrame(node, name)) return
  if (name === "BR") writer.line += "\n"
  else if (/^H[1-6]$/.test(name)) {
    endBlock(writer)
    const text = (node.textContent ?? "").replace(/\s+/g, " ").trim()
    if (text) writer.parts.push(`${"#".repeat(Number(name[1]))} ${text}`)
  } else if (name === "PRE") {
    endBlock(writer)
    const code = (node.textContent ?? "").replaceAll("\u0000", "").trim()
    if (code) writer.parts.push(`\`\`\`\n${code}\n\`\`\``)
  } else if (name === "TABLE") {
    endBlock(writer)
    writeRows(writer, node, depth, indent)
  } else if (name === "UL" || name === "OL") {
    endBlock(writer)
    writeItems(writer, node, depth, indent)
  } else if (blocks.has(name) || name === "LI") {
    endBlock(writer)
    writeChildren(writer, node, depth, indent)
    endBlock(writer)
  } else writeChildren(writer, node, depth, indent)
}

function writeChildren(writer: Writer, node: HtmlNode, depth: number, indent: string): void {
  for (const child of children(node)) write(writer, child, depth + 1, indent)
}

/** The list is made anew each time it is asked for: asked once, a long page takes no square of its length. */
function children(node: HtmlNode): HtmlNode[] {
  return Array.from(node.childNodes)
}

function isFrame(node: HtmlNode, name: string): boolean {
  if (frame.has(name)) return true
  const role = node.getAttribute?.("role")
  return role === "navigation" || role === "search" || role === "dialog"
}

/** Items stay on lines of their own; a NUL marks where no blank line belongs. */
function writeItems(writer: Writer, list: HtmlNode, depth: number, indent: string): void {
  let number = 0
  for (const item of children(list)) {
    if (item.nodeName.toUpperCase() !== "LI") {
      write(writer, item, depth + 1, indent)
      continue
    }
    number++
    const mark = list.nodeName.toUpperCase() === "OL" ? `${number}. ` : "- "
    const before = writer.parts.length
    writeChildren(writer, item, depth + 1, `${indent}  `)
    endBlock(writer)
    const own = writer.parts[before]
    if (own === undefined) continue
    // Only the first of its lines is the item; a heading or a table inside stays what it is.
    if (!/^(?:#|```)/.test(own)) {
      writer.parts[before] = `${number > 1 ? "\u0000" : ""}${indent}${mark}${own}`
    }
  }
}

function writeRows(writer: Writer, table: HtmlNode, depth: number, indent: string): void {
  const rows: string[][] = []
  let isLayout = false
  const visit = (node: HtmlNode, level: number) => {
    for (const child of children(node)) {
      const name = child.nodeName.toUpperCase()
      if (level > maxDepth || isLayout) return
      if (name === "TR") rows.push(readCells(child))
      else if (name === "CAPTION") {
        const caption = (child.textContent ?? "").replace(/\s+/g, " ").trim()
        if (caption) writer.parts.push(caption)
      } else visit(child, level + 1)
    }
  }
  const readCells = (row: HtmlNode) => {
    const cells: string[] = []
    for (const cell of children(row)) {
      if (!/^T[DH]$/i.test(cell.nodeName)) continue
      if (holdsBlocks(cell)) isLayout = true
      cells.push(cell.textContent ?? "")
    }
    return cells
  }
  visit(table, depth)
  // Tables that lay out a page hold headings and tables: those are read as what they hold.
  if (isLayout || rows.every((row) => row.length < 2)) {
    for (const child of children(table)) writeLayout(writer, child, depth + 1, indent)
    return
  }
  const text = writeTable(rows)
  if (text) writer.parts.push(text)
}

function writeLayout(writer: Writer, node: HtmlNode, depth: number, indent: string): void {
  if (/^(?:TBODY|THEAD|TFOOT|TR)$/i.test(node.nodeName)) {
    for (const child of children(node)) writeLayout(writer, child, depth + 1, indent)
  } else {
    endBlock(writer)
    write(writer, node, depth, indent)
    endBlock(writer)
  }
}

function holdsBlocks(cell: HtmlNode): boolean {
  for (const child of children(cell)) {
    if (/^(?:H[1-6]|TABLE|ARTICLE|SECTION)$/i.test(child.nodeName)) return true
  }
  return false
}
