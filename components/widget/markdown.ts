/**
 * Answers as a tree of plain data. Model output is hostile until proven otherwise: there is no node
 * for raw HTML or images, so neither can be rendered; a link exists only where `resolveLink` said
 * yes. Reads half-written text gently, because answers arrive in pieces. Scans are bounded, so that
 * no input makes it slow.
 */

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong"; content: Inline[] }
  | { kind: "emphasis"; content: Inline[] }
  | { kind: "strike"; content: Inline[] }
  | { kind: "link"; href: string; content: Inline[] }
  | { kind: "citation"; number: number }
  | { kind: "break" }

export type Block =
  | { kind: "paragraph"; content: Inline[] }
  | { kind: "heading"; level: number; content: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "list"; start: number | null; items: Block[][] }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" }

export type MarkdownRules = {
  /** The address to link to, or null to leave the words alone. */
  resolveLink: (url: string) => string | null
  hasCitation: (number: number) => boolean
  /** More is coming: close what is open at the end instead of showing its syntax. */
  isPartial: boolean
}

const maxDepth = 6
const maxLabelChars = 300
const maxUrlChars = 2_000
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

/** Parses one run of text: emphasis, code, links, citation marks, line breaks. */
export function parseInline(
  text: string,
  rules: MarkdownRules,
  isTail: boolean,
  depth = 0,
): Inline[] {
  const nodes: Inline[] = []
  const hopeless = new Set<string>()
  let plain = ""
  let at = 0
  const flush = () => {
    if (plain) nodes.push({ kind: "text", text: plain })
    plain = ""
  }
  const push = (node: Inline, end: number) => {
    flush()
    nodes.push(node)
    at = end
  }
  const inner = (from: number, to: number, isOpen = false) =>
    parseInline(text.slice(from, to), rules, isOpen, depth + 1)

  while (at < text.length) {
    const char = text[at]!
    if (char === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) {
      plain += text[at + 1]
      at += 2
    } else if (char === "\n") {
      plain = plain.trimEnd()
      push({ kind: "break" }, at + 1)
    } else if (char === "`") {
      const mark = /^`+/.exec(text.slice(at, at + 20))![0]
      let end = hopeless.has(mark) ? -1 : text.indexOf(mark, at + mark.length)
      if (end < 0) hopeless.add(mark)
      if (end < 0 && isTail) end = text.length
      if (end < 0) {
        plain += mark
        at += mark.length
      } else {
        push({ kind: "code", text: text.slice(at + mark.length, end) }, end + mark.length)
      }
    } else if (char === "<") {
      const tag = /^<(?:br\s*\/?>|(https?:\/\/[^\s<>]{1,2000})>)/i.exec(text.slice(at, at + 2_010))
      if (!tag) {
        plain += char
        at++
      } else if (tag[1]) {
        push(link(tag[1], [{ kind: "text", text: tag[1] }]), at + tag[0].length)
      } else {
        push({ kind: "break" }, at + tag[0].length)
      }
    } else if (char === "[" || (char === "!" && text[at + 1] === "[")) {
      readBracket(char === "!")
    } else if ((char === "*" || char === "_" || char === "~") && depth < maxDepth) {
      readEmphasis(char)
    } else if (
      char === "h" &&
      !/\w/.test(text[at - 1] ?? "") &&
      /^https?:\/\//.test(text.slice(at, at + 8))
    ) {
      const url = /^[^\s<>"]+/
        .exec(text.slice(at, at + maxUrlChars))![0]
        .replace(/[.,;:!?'*_~\])]+$/, "")
      push(link(url, [{ kind: "text", text: url }]), at + url.length)
    } else {
      plain += char
      at++
    }
  }
  flush()
  return nodes

  function link(url: string, content: Inline[]): Inline {
    const href = rules.resolveLink(url)
    if (href) return { kind: "link", href, content }
    return content.length === 1 ? content[0]! : { kind: "text", text: plainText(content) }
  }

  function readBracket(isImage: boolean) {
    const open = at + (isImage ? 1 : 0)
    const close = closingBracket(open)
    if (close < 0) {
      const rest = text.slice(open + 1)
      if (isTail && rest.length < maxLabelChars && !rest.includes("[")) {
        // Half a link or half a mark: show its words, never its syntax.
        if (!/^[\d,\s]*$/.test(rest)) plain += rest
        at = text.length
      } else {
        plain += text.slice(at, open + 1)
        at = open + 1
      }
      return
    }
    const label = text.slice(open + 1, close)
    const after = text.slice(close + 1, close + 1 + maxUrlChars + maxLabelChars)
    const target =
      /^\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+["'(][^\n]{0,300}?["')])?\s*\)/.exec(
        after,
      )
    const marks = /^\^?\d{1,3}(?:\s*,\s*\d{1,3})*$/.test(label)
      ? label.replace("^", "").split(",").map(Number)
      : []
    const isCited = marks.length > 0 && marks.every(rules.hasCitation)
    const isHalf = isTail && !target && /^\([^\s)]*$/.test(after)
    const end = isHalf ? text.length : close + 1 + (target ? target[0].length : 0)
    if (isImage && (target || isHalf)) {
      plain += label
      at = end
    } else if (isCited) {
      plain = plain.trimEnd()
      for (const number of marks) push({ kind: "citation", number }, end)
    } else if (target || isHalf) {
      const content = inner(open + 1, close)
      push(target ? link(target[1]!, content) : { kind: "text", text: plainText(content) }, end)
    } else {
      plain += text.slice(at, close + 1)
      at = close + 1
    }
  }

  function closingBracket(open: number): number {
    let level = 0
    for (let i = open; i < Math.min(text.length, open + maxLabelChars); i++) {
      if (text[i] === "\\") i++
      else if (text[i] === "[") level++
      else if (text[i] === "]" && --level === 0) return i
    }
    return -1
  }

  function readEmphasis(char: string) {
    const run = new RegExp(`^\\${char}+`).exec(text.slice(at, at + 20))![0].length
    const size = char === "~" ? 2 : Math.min(run, 3)
    const mark = char.repeat(size)
    const from = at + size
    const next = text[from] ?? ""
    const isInsideWord = char === "_" && /\w/.test(text[at - 1] ?? "")
    const canOpen = run >= size && run <= 3 && !isInsideWord && /\S/.test(next)
    if (!canOpen || hopeless.has(mark)) {
      // Half of a closing or opening mark at the end of what has arrived so far.
      if (!(isTail && from >= text.length)) plain += text.slice(at, at + run)
      at += run
      return
    }
    let end = closingMark(mark, from)
    let after = end + size
    if (end < 0) {
      hopeless.add(mark)
      if (!isTail) {
        plain += text.slice(at, at + run)
        at += run
        return
      }
      end = after = text.length
    }
    const isOpen = isTail && after >= text.length
    const content = inner(from, end, isOpen)
    if (char === "~") push({ kind: "strike", content }, after)
    else if (size === 1) push({ kind: "emphasis", content }, after)
    else if (size === 2) push({ kind: "strong", content }, after)
    else push({ kind: "strong", content: [{ kind: "emphasis", content }] }, after)
  }

  function closingMark(mark: string, from: number): number {
    const char = mark[0]!
    for (let i = from; i < text.length; i++) {
      if (text[i] === "\\") i++
      else if (text[i] === "`") {
        const end = text.indexOf("`", i + 1)
        if (end > 0) i = end
      } else if (text[i] === char) {
        let run = 1
        while (text[i + run] === char) run++
        const closes = /\S/.test(text[i - 1]!) && (char !== "_" || !/\w/.test(text[i + run] ?? ""))
        if (run === mark.length && closes && i > from) return i
        if (run > mark.length && run === 3 && closes && i > from) return i + run - mark.length
        i += run - 1
      }
    }
    return -1
  }
}

/** The words without their dress: for announcements and for links that lead nowhere. */
export function plainText(content: Inline[]): string {
  return content
    .map((node) => {
      if (node.kind === "text" || node.kind === "code") return node.text
      if (node.kind === "break") return "\n"
      if (node.kind === "citation") return ""
      return plainText(node.content)
    })
    .join("")
}

/**
 * Which addresses an answer may link to: http(s), without user info, on an allowed origin or exactly
 * a cited page. Everything else stays text, so that an injected answer can lead nobody astray.
 */
export function linkResolver(
  origins: readonly string[],
  pages: readonly (string | null)[],
): (url: string) => string | null {
  const allowed = new Set(pages.map((page) => toHref(page ?? "")).filter((href) => href !== null))
  return (url) => {
    const href = toHref(url)
    if (!href) return null
    return allowed.has(href) || origins.includes(new URL(href).origin) ? href : null
  }
}

/** A normalised http(s) address, or null. */
export function toHref(address: string): string | null {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return null
  const url = new URL(address)
  return url.username || url.password ? null : url.href
}
