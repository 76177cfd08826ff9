/**
 * Runs of text inside a block. Every scan is bounded, and a mark that never closes is looked for once:
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
