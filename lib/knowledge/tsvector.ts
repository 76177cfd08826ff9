import type { Choice } from "./rank.ts"
import type { Term } from "./terms.ts"

/** Postgres's own limits: a position beyond the first is stored as it, the second is how many it keeps. */
const maxPosition = 16_383
const maxPositionsPerTerm = 255

/**
 * The literal of a tsvector with exactly these stems and positions. Built here rather than by
 * `to_tsvector`, so that Postgres's parser and dictionaries, which differ between servers and know no
 * Chinese, have no say in what is found. Bind it as text and cast it.
 */
export function toTsvector(terms: Iterable<Term>): string {
  const positions = new Map<string, number[]>()
  for (const { term, position } of terms) {
    const known = positions.get(term)
    if (!known) positions.set(term, [position])
    else if (known.length < maxPositionsPerTerm && position <= maxPosition) known.push(position)
  }
  return [...positions]
    .map(([term, at]) => `${quoteTerm(term)}:${at.map((p) => Math.min(p, maxPosition)).join(",")}`)
    .join(" ")
}

/** The literal of a tsquery that matches any of the stems. Bind it as text and cast it. */
export function toAnyOfQuery(terms: Iterable<string>): string {
  return [...terms].map(quoteTerm).join(" | ")
}

/** The literal of a tsquery that matches any of the stems, or both stems of any pair. */
export function toCandidateQuery({ any, pairs }: Choice): string {
  const both = pairs.map(([first, second]) => `(${quoteTerm(first)} & ${quoteTerm(second)})`)
  return [toAnyOfQuery(any), ...both].filter(Boolean).join(" | ")
}

function quoteTerm(term: string): string {
  return `'${term.replace(/\\/g, "\\\\").replace(/'/g, "''")}'`
}

/** Reads a tsvector as Postgres prints it: `'a':1,5 'it''s':3`. */
export function readTsvector(printed: string): Map<string, number[]> {
  const positions = new Map<string, number[]>()
  for (const [, quoted, at] of printed.matchAll(/'((?:[^'\\]|''|\\.)*)'(?::([\d,]+))?/g)) {
    const term = quoted!.replace(/''/g, "'").replace(/\\(.)/g, "$1")
    positions.set(term, at ? at.split(",").map(Number) : [])
  }
  return positions
}
