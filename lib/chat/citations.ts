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
    const open = /\[[\d,\s]{0,30}$/.exec(all)
    this.#held = open ? open[0] : ""
    return this.#check(open ? all.slice(0, open.index) : all)
  }

  /** What was still held back when the answer ended. */
  flush(): { text: string; fresh: number[] } {
    const rest = this.#held
    this.#held = ""
    return this.#check(rest)
  }

  #check(text: string): { text: string; fresh: number[] } {
    const fresh: number[] = []
    const checked = text.replace(
      / ?\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()/g,
      (marker, list: string) => {
        const numbers = list
          .split(",")
          .map(Number)
          .filter((n) => this.#known.has(n))
        for (const number of numbers) {
          if (this.cited.includes(number)) continue
          this.cited.push(number)
          fresh.push(number)
        }
        const lead = marker.startsWith(" ") ? " " : ""
        return numbers.length === 0 ? "" : lead + numbers.map((n) => `[${n}]`).join("")
      },
    )
    return { text: checked, fresh }
  }
}
