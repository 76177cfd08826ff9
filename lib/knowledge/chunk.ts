/** A stretch of a source's text; `number` is the page of a PDF, null where there are no pages. */
export type Page = { number: number | null; text: string }

export type Chunk = {
  /** The headings above, outermost first, joined with " › "; empty where there are none. */
  heading: string
  page: number | null
  text: string
}

/** What a passage aims for and never exceeds. A text below `wholeChars` stays in one piece. */
const targetChars = 1_100
const wholeChars = 1_600
/** Below this a new heading or page does not start a new chunk: a passage needs some body. */
const smallChars = 400

type Block = {
  kind: "heading" | "paragraph" | "item" | "code"
  level: number
  text: string
  page: number | null
}

/**
 * Cuts a text into passages along its own structure: headings, paragraphs, list items, then sentences.
 * No text is lost: every word is in exactly one chunk, or in the headings above it.
 */
export function chunkText(pages: Page[]): Chunk[] {
  const blocks = pages.flatMap(readBlocks)
  const whole = joinBlocks(blocks)
  if (whole.length <= wholeChars) return makeWhole(blocks, whole)
  return packBlocks(blocks.flatMap(splitBlock))
}

/** A question and its answer are one passage, found by either. */
export function chunkQuestion(question: string, answer: string): Chunk[] {
  return [{ heading: question, page: null, text: answer }]
}

function makeWhole(blocks: Block[], whole: string): Chunk[] {
  const [first, ...rest] = blocks
  if (!first) return []
  if (first.kind === "heading" && rest.length > 0) {
    return [{ heading: first.text, page: first.page, text: joinBlocks(rest) }]
  }
  return [{ heading: "", page: first.page, text: whole }]
}

const headingPattern = /^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$/
const itemPattern = /^[ \t]*(?:[-*+•‣◦▪]|\d{1,3}[.)])[ \t]+\S/
const fencePattern = /^[ \t]*(```|~~~)/

function readBlocks(page: Page): Block[] {
  const blocks: Block[] = []
  let lines: string[] = []
  let kind: Block["kind"] = "paragraph"
  const add = (block: Omit<Block, "page">) => blocks.push({ ...block, page: page.number })
  const flush = () => {
    const text = lines.join("\n").trim()
    if (text) add({ kind, level: 0, text })
    lines = []
    kind = "paragraph"
  }
  let fence: string | null = null
  for (const line of page.text.split(/\r\n?|\n/)) {
    const opening = fencePattern.exec(line)?.[1]
    if (fence) {
      lines.push(line)
      if (opening === fence) {
        fence = null
        flush()
      }
      continue
    }
    const heading = headingPattern.exec(line)
    const underline = /^[ \t]*(=|-){3,}[ \t]*$/.exec(line)
    if (opening) {
      flush()
      fence = opening
      kind = "code"
      lines.push(line)
    } else if (heading) {
      flush()
      add({ kind: "heading", level: heading[1]!.length, text: heading[2]! })
    } else if (underline && kind === "paragraph" && lines.length === 1) {
      const text = lines[0]!.trim()
      lines = []
      add({ kind: "heading", level: underline[1] === "=" ? 1 : 2, text })
    } else if (line.trim() === "") {
      flush()
    } else if (itemPattern.test(line)) {
      flush()
      kind = "item"
      lines.push(line)
    } else {
      lines.push(line)
    }
  }
  flush()
  return blocks
}

function joinBlocks(blocks: Block[]): string {
  let text = ""
  for (const [i, block] of blocks.entries()) {
    const isList = block.kind === "item" && blocks[i - 1]?.kind === "item"
    text += i === 0 ? block.text : `${isList ? "\n" : "\n\n"}${block.text}`
  }
  return text
}

/** Breaks up what is longer than a passage: at sentences, then at spaces, then anywhere. */
function splitBlock(block: Block): Block[] {
  if (block.kind === "heading") return [{ ...block, text: block.text.slice(0, wholeChars) }]
  if (block.text.length <= wholeChars) return [block]
  return splitLong(block.text).map((text) => ({ ...block, text }))
}

const sentences = new Intl.Segmenter(undefined, { granularity: "sentence" })
/** Segmenting is asked for bounded stretches: a 20 MB line must not be one sentence search. */
const stretchChars = 20_000

function splitLong(text: string): string[] {
  const parts: string[] = []
  let current = ""
  const add = (piece: string) => {
    if (current && current.length + piece.length > targetChars) {
      parts.push(current.trim())
      current = ""
    }
    current += piece
  }
  for (const stretch of cutAtSpaces(text, stretchChars)) {
    for (const { segment } of sentences.segment(stretch)) {
      for (const piece of cutAtSpaces(segment, targetChars)) add(piece)
    }
  }
  parts.push(current.trim())
  return parts.filter(Boolean)
}

function cutAtSpaces(text: string, maxChars: number): string[] {
  const pieces: string[] = []
  let start = 0
  while (text.length - start > maxChars) {
    let end = start + maxChars
    const space = Math.max(text.lastIndexOf(" ", end), text.lastIndexOf("\n", end))
    if (space > start + maxChars / 2) end = space + 1
    // Never between the two halves of one character.
    else if (/[\ud800-\udbff]/.test(text[end - 1]!)) end--
    pieces.push(text.slice(start, end))
    start = end
  }
  pieces.push(text.slice(start))
  return pieces
}

function packBlocks(blocks: Block[]): Chunk[] {
  const chunks: Chunk[] = []
  /** The headings above the current place; `isBare` while no text has followed. */
  let path: { block: Block; isBare: boolean }[] = []
  let held: Block[] = []
  let heading = ""
  const size = () => joinBlocks(held).length
  const nameHeading = () => path.map(({ block }) => block.text).join(" › ")
  const flush = () => {
    const [first] = held
    if (first) chunks.push({ heading, page: first.page, text: joinBlocks(held) })
    held = []
  }
  for (const block of blocks) {
    if (block.kind === "heading") {
      if (size() >= smallChars || block.level <= 2) flush()
      const closed = path.filter((above) => above.block.level >= block.level)
      path = path.filter((above) => above.block.level < block.level)
      // A heading that another one replaces before any text came would be lost: it becomes text.
      const bare = closed.filter(({ isBare }) => isBare).map((above) => above.block)
      if (held.length > 0) held.push(...bare, block)
      else if (bare.length > 0) {
        heading = nameHeading()
        held.push(...bare, block)
      }
      path.push({ block, isBare: held.length === 0 })
      continue
    }
    const first = held[0]
    const isNewPage = first !== undefined && first.page !== block.page && size() >= smallChars
    if (first && (isNewPage || size() + block.text.length > targetChars)) flush()
    if (held.length === 0) heading = nameHeading()
    for (const above of path) above.isBare = false
    held.push(block)
  }
  if (held.length === 0) heading = ""
  held.push(...path.filter(({ isBare }) => isBare).map(({ block }) => block))
  flush()
  return chunks
}
