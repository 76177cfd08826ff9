/**
 * Answers as a tree of plain data. Model output is hostile until proven otherwise: there is no node
 * for raw HTML or images, so neither can be rendered; a link exists only where `resolveLink` said
 * yes. Reads half-written text gently, because answers arrive in pieces. Scans are bounded, so that
 * no input makes it slow.
 */

import { type Inline, type MarkdownRules, parseInline } from "./inline.ts"

export type Block =
  | { kind: "paragraph"; content: Inline[] }
  | { kind: "heading"; level: number; content: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "list"; start: number | null; items: Block[][] }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" }

const maxDepth = 6
const maxChars = 60_000

/** Parses a whole answer. */
export function parseMarkdown(text: string, rules: MarkdownRules): Block[] {
  const lines = neutralize(text).slice(0, maxChars).split("\n")
  return parseBlocks(lines, rules, 0, rules.isPartial)
}

/** Drops what only serves to deceive: bidi overrides, tag characters, control characters. */
export function neutralize(text: string): string {
  return (
    text
      .replace(/\r\n?/g, "\n")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f\u202d\u202e]|\udb40[\udc00-\udc7f]/g, "")
  )
}

const fence = /^ {0,3}(`{3,}|~{3,})/
const heading = /^ {0,3}(#{1,6})[ \t]+(\S.*)$/
const rule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/
const bullet = /^( *)(?:[-*+•]|(\d{1,9})[.)])[ \t]+(?=\S)/
const quote = /^ {0,3}> ?/
const tableRule = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/

function parseBlocks(
  lines: string[],
  rules: MarkdownRules,
  depth: number,
  isTail: boolean,
): Block[] {
  const blocks: Block[] = []
  let at = 0
  while (at < lines.length) {
    const line = lines[at]!
    const isOpen = (end: number) => isTail && end >= lines.length
    if (!line.trim()) {
      at++
      continue
    }
    const fenced = fence.exec(line)
    if (fenced) {
      let end = at + 1
      while (end < lines.length && !isClosingFence(lines[end]!, fenced[1]!)) end++
      blocks.push({ kind: "code", text: lines.slice(at + 1, end).join("\n") })
      at = end + 1
      continue
    }
    const titled = heading.exec(line)
    if (titled) {
      const content = parseInline(withoutClosingMarks(titled[2]!), rules, isOpen(++at))
      blocks.push({ kind: "heading", level: titled[1]!.length, content })
      continue
    }
    if (rule.test(line)) {
      blocks.push({ kind: "rule" })
      at++
      continue
    }
    if (quote.test(line) && depth < maxDepth) {
      let end = at
      while (end < lines.length && quote.test(lines[end]!)) end++
      const inner = lines.slice(at, end).map((quoted) => quoted.replace(quote, ""))
      blocks.push({ kind: "quote", blocks: parseBlocks(inner, rules, depth + 1, isOpen(end)) })
      at = end
      continue
    }
    if (bullet.test(line) && depth < maxDepth) {
      const [list, end] = parseList(lines, at, rules, depth, isTail)
      blocks.push(list)
      at = end
      continue
    }
    if (startsTable(lines, at, isTail)) {
      let end = at + 1
      while (end < lines.length && lines[end]!.includes("|")) end++
      const cells = (row: string) => splitCells(row).map((cell) => parseInline(cell, rules, false))
      const rows = lines.slice(at + 2, end)
      blocks.push({ kind: "table", head: cells(line), rows: rows.map(cells) })
      at = end
      continue
    }
    let end = at + 1
    while (end < lines.length && !interruptsParagraph(lines, end, depth)) end++
    const paragraph = lines.slice(at, end).join("\n").trim()
    blocks.push({ kind: "paragraph", content: parseInline(paragraph, rules, isOpen(end)) })
    at = end
  }
  return blocks
}

/** `## Title ##` is `Title`. A loop, because the obvious regular expression is quadratic. */
function withoutClosingMarks(title: string): string {
  let end = title.trimEnd().length
  while (title[end - 1] === "#") end--
  return /\s/.test(title[end - 1] ?? "") ? title.slice(0, end).trimEnd() : title.trimEnd()
}

const isClosingFence = (line: string, opening: string) => {
  const mark = line.trim()
  return mark.length >= opening.length && mark === opening[0]!.repeat(mark.length)
}

function interruptsParagraph(lines: string[], at: number, depth: number): boolean {
  const line = lines[at]!
  return (
    !line.trim() ||
    fence.test(line) ||
    heading.test(line) ||
    rule.test(line) ||
    (depth < maxDepth && (quote.test(line) || bullet.test(line))) ||
    startsTable(lines, at, false)
  )
}

function startsTable(lines: string[], at: number, isTail: boolean): boolean {
  const line = lines[at]!
  if (!line.includes("|")) return false
  const next = lines[at + 1]
  if (next?.includes("-") && tableRule.test(next)) return true
  // A header that has just arrived would show as pipes for a moment.
  const isLast = at + (next === undefined ? 1 : 2) >= lines.length
  return isTail && isLast && /^\s*\|/.test(line) && /^[\s|:-]*$/.test(next ?? "")
}

function splitCells(row: string): string[] {
  const cells = row
    .trim()
    .replace(/^\|/, "")
    .replace(/\|$/, "")
    .match(/(?:\\.|`[^`]*`|[^|])+|(?<=\|)(?=\|)/g)
  return (cells ?? []).slice(0, 20).map((cell) => cell.trim().replace(/\\\|/g, "|"))
}

function parseList(
  lines: string[],
  from: number,
  rules: MarkdownRules,
  depth: number,
  isTail: boolean,
): [Block, number] {
  const first = bullet.exec(lines[from]!)!
  const indent = first[1]!.length
  const isOrdered = first[2] !== undefined
  const items: string[][] = []
  let at = from
  for (; at < lines.length; at++) {
    const line = lines[at]!
    const marker = bullet.exec(line)
    const lead = line.length - line.trimStart().length
    if (marker && marker[1]!.length < indent + 2) {
      const isSameList = marker[1]!.length >= indent && (marker[2] !== undefined) === isOrdered
      if (!isSameList || rule.test(line)) break
      items.push([line.slice(marker[0].length)])
      continue
    }
    const item = items.at(-1)!
    if (!line.trim()) {
      // A blank line goes on only if something indented, or the next item, follows.
      let next = at + 1
      while (next < lines.length && !lines[next]!.trim()) next++
      if (!/^ {2,}\S/.test(lines[next] ?? "") && !bullet.test(lines[next] ?? "")) break
      item.push("")
      at = next - 1
    } else if (lead >= indent + 2) {
      item.push(line.slice(Math.min(lead, indent + first[0].length - indent)))
    } else if (lines[at - 1]!.trim() && !interruptsParagraph(lines, at, depth)) {
      item.push(line)
    } else {
      break
    }
  }
  const start = isOrdered ? Number(first[2]) : null
  const isOpen = (index: number) => isTail && at >= lines.length && index === items.length - 1
  const blocks = items.map((item, index) => parseBlocks(item, rules, depth + 1, isOpen(index)))
  return [{ kind: "list", start, items: blocks }, at]
}
