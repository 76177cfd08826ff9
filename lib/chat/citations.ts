/** ` [2]` or `[1, 3]`, unless it is the text of a link. */
const marker = / ?\[(?=[\d,\s]{1,40}\])(\s*\d{1,3}\s*(?:,\s*\d{1,3}\s*)*)\](?!\()/g

/** What the next piece could still make a marker of: its space, its beginning, or all but what follows it. */
const unfinished = / ?(?:\[[\d,\s]{0,40}\]?)?$/

/**
 * Checks citation markers while an answer streams: `[2]` stays when passage 2 was retrieved for this very
 * answer and is dropped otherwise, so a reader never meets a number that leads nowhere. Text that may be
 * the start of a marker waits for the next piece.
 */
export class CitationFilter {
  readonly cited: number[] = []
  readonly #known: ReadonlySet<number>
  #held = ""

  constructor(known: Iterable<number>) {
    this.#known = new Set(known)
  }

  /** The part of the text that is safe to show, and the numbers cited in it for the first time. */
  push(piece: string): { text: string; fresh: number[] } {
    const all = this.#held + piece
    const end = unfinished.exec(all)!.index
    this.#held = all.slice(end)
    return this.#check(all.slice(0, end))
  }

  /** What was still held back when the answer ended. */
  flush(): { text: string; fresh: number[] } {
    const rest = this.#held
    this.#held = ""
    return this.#check(rest)
  }

  #check(text: string): { text: string; fresh: number[] } {
    const fresh: number[] = []
    const checked = text.replace(marker, (found, list: string) => {
      const numbers = list
        .split(",")
        .map(Number)
        .filter((n) => this.#known.has(n))
      for (const number of numbers) {
        if (this.cited.includes(number)) continue
        this.cited.push(number)
        fresh.push(number)
      }
      const lead = found.startsWith(" ") ? " " : ""
      return numbers.length === 0 ? "" : lead + numbers.map((n) => `[${n}]`).join("")
    })
    return { text: checked, fresh }
  }
}
