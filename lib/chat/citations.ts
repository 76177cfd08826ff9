/** ` [2]` or `[1, 3]`, unless it is the text of a link. */
const marker = / ?\[(?=[\d, \t]{1,40}\])([ \t]*\d{1,3}[ \t]*(?:,[ \t]*\d{1,3}[ \t]*)*)\](?!\()/g

/** What the next piece could still make a marker of: its space, its beginning, or all but what follows it. */
const unfinished = / ?(?:\[[\d, \t]{0,40}\]?)?$/

const trailingMarkers = String.raw`(?:[ \t]*\[[\d, \t]{1,40}\](?!\())*`

/**
 * Where a sentence is over for certain: a line break, or an end mark with the markers behind it and the
 * beginning of something new. "9 a.m. on weekdays" goes on, because a small letter follows.
 */
const sentenceEnd = new RegExp(
  [
    "\\n",
    `[.!?…؟۔।]["'”’»)*_]*${trailingMarkers}[ \\t]+(?=[^\\s\\p{Ll}\\p{Cs}\\[]|\\[[^\\d, \\t\\]])`,
    `[。！？][”’」』）]*${trailingMarkers}(?=[^\\s\\[\\p{Cs}]|\\[[^\\d, \\t\\]])`,
  ].join("|"),
  "u",
)

/**
 * The most of a sentence that waits for its end. It is read again with every piece that comes: a text without
 * an end must not keep the process busy.
 */
const mostChars = 4_000

/** What tells whether a sentence of that length is over stands within so many characters behind it. */
const lookaheadChars = 3

/** What a marker stands behind: its sentence, and the one before it, both without their markers. */
export type Claim = { sentence: string; previous: string }

/** The numbers among `numbers` whose passages say what the claim says. */
export type JudgeSupport = (claim: Claim, numbers: number[]) => number[]

/** Why a marker was taken out: its passage was not retrieved, or does not say it. */
export type DroppedCitation = { number: number; reason: "not_retrieved" | "unsupported" }

export type Shown = { text: string; fresh: number[]; dropped: DroppedCitation[] }

/**
 * Checks citation markers while an answer streams: `[2]` stays when passage 2 was retrieved for this very
 * answer and supports the sentence that cites it, and is dropped otherwise, so a reader never meets a
 * number that leads nowhere. From its first marker on a sentence waits until it is over; everything before
 * that is shown at once. However the text is cut into pieces, the result is the same.
 */
export class CitationFilter {
  readonly cited: number[] = []
  readonly #known: ReadonlySet<number>
  readonly #judge: JudgeSupport
  /** The sentence being written, and how much of it was shown. */
  #sentence = ""
  #shown = 0
  #previous = ""

  constructor(known: Iterable<number>, judge: JudgeSupport) {
    this.#known = new Set(known)
    this.#judge = judge
  }

  /** The part of the text that is safe to show, the numbers cited in it for the first time, those dropped. */
  push(piece: string): Shown {
    this.#sentence += piece
    const shown: Shown = { text: "", fresh: [], dropped: [] }
    for (;;) {
      const end = findEnd(this.#sentence)
      if (end === -1) break
      const rest = this.#sentence.slice(end)
      const shownOfRest = Math.max(0, this.#shown - end)
      this.#sentence = this.#sentence.slice(0, end)
      this.#settle(shown)
      this.#sentence = rest
      this.#shown = shownOfRest
    }
    const safe = Math.max(this.#shown, findFirstMarker(this.#sentence))
    shown.text += this.#sentence.slice(this.#shown, safe)
    this.#shown = safe
    return shown
  }

  /** What was still held back when the answer ended. */
  flush(): Shown {
    const shown: Shown = { text: "", fresh: [], dropped: [] }
    this.#settle(shown)
    this.#sentence = ""
    return shown
  }

  /** The whole sentence is here: its markers are judged and the rest of it is shown. */
  #settle(shown: Shown): void {
    const sentence = this.#sentence
    const claim = { sentence: sentence.replace(marker, "").trim(), previous: this.#previous }
    const cited = [...sentence.matchAll(marker)].flatMap(([, list]) => readNumbers(list!))
    const known = [...new Set(cited.filter((number) => this.#known.has(number)))]
    const supported = new Set(known.length > 0 ? this.#judge(claim, known) : [])
    for (const number of new Set(cited)) {
      if (supported.has(number)) continue
      const reason = this.#known.has(number) ? "unsupported" : "not_retrieved"
      shown.dropped.push({ number, reason })
    }
    shown.text += sentence.slice(this.#shown).replace(marker, (found, list: string) => {
      const numbers = readNumbers(list).filter((number) => supported.has(number))
      for (const number of numbers) {
        if (this.cited.includes(number)) continue
        this.cited.push(number)
        shown.fresh.push(number)
      }
      const lead = found.startsWith(" ") ? " " : ""
      return numbers.length === 0 ? "" : lead + numbers.map((n) => `[${n}]`).join("")
    })
    if (claim.sentence) this.#previous = claim.sentence
    this.#shown = 0
  }
}

/** Where the first sentence is over, or has to be; -1 when it goes on. */
function findEnd(text: string): number {
  const over = sentenceEnd.exec(text.slice(0, mostChars + lookaheadChars))
  const end = over ? over.index + over[0].length : -1
  if (end <= mostChars && over) return end
  if (text.length < mostChars + lookaheadChars) return -1
  return unfinished.exec(text.slice(0, mostChars))!.index
}

/** Where the first marker of a sentence starts, or what may become one. */
function findFirstMarker(sentence: string): number {
  const found = sentence.search(marker)
  const possible = unfinished.exec(sentence)!.index
  return found === -1 ? possible : Math.min(found, possible)
}

/** Takes the markers of these numbers out of a text whose markers are whole. */
export function hideMarkers(text: string, hidden: ReadonlySet<number>): string {
  if (hidden.size === 0) return text
  return text.replace(marker, (found, list: string) => {
    const numbers = readNumbers(list)
    const shown = numbers.filter((number) => !hidden.has(number))
    if (shown.length === numbers.length) return found
    const lead = found.startsWith(" ") ? " " : ""
    return shown.length === 0 ? "" : lead + shown.map((number) => `[${number}]`).join("")
  })
}

function readNumbers(list: string): number[] {
  return list.split(",").map(Number)
}
