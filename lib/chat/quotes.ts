import { detectLanguage } from "#lib/knowledge/language.ts"
import { readTerms } from "#lib/knowledge/terms.ts"

const quoteChars = 420
const quoteCount = 3
/** A passage this much weaker than the best one only dilutes the answer. */
const weakestShare = 0.6

export type Quotable = { number: number; title: string; text: string; score: number }

/**
 * An answer made of the best passages' own words: each quote is an exact span of its passage, followed by
 * its number. For deployments without a model, at the cap, and when the provider is down.
 */
export function quotePassages(question: string, passages: Quotable[]): string {
  const best = passages[0]?.score ?? 0
  return passages
    .filter((passage) => passage.score >= best * weakestShare)
    .slice(0, quoteCount)
    .map((passage) => `${pickSpan(question, passage.text)} [${passage.number}]`)
    .join("\n\n")
}

type Span = { start: number; end: number }

/** The part of a passage that best meets the question: a paragraph with its heading, or some of its sentences. */
export function pickSpan(question: string, text: string): string {
  const language = detectLanguage(text) ?? "en"
  const wanted = new Set(
    readTerms(question, language)
      .filter((term) => !term.isStopWord)
      .map((term) => term.term),
  )
  const read = ({ start, end }: Span) =>
    new Set(readTerms(text.slice(start, end), language).map((term) => term.term)).intersection(
      wanted,
    )
  const paragraph = pickBest(splitParagraphs(text), read)
  const sentences = [
    ...new Intl.Segmenter(language, { granularity: "sentence" }).segment(
      text.slice(paragraph.start, paragraph.end),
    ),
  ].map(({ segment, index }) => ({
    start: paragraph.start + index,
    end: paragraph.start + index + segment.length,
  }))
  const span =
    paragraph.end - paragraph.start <= quoteChars
      ? paragraph
      : pickBest(joinSentences(sentences), read)
  // One sentence may be longer than a quote should be: cut at a word.
  const quote = text.slice(span.start, span.end).trim()
  return quote.length <= quoteChars * 2 ? quote : quote.slice(0, quoteChars).replace(/\s+\S*$/, "")
}

/** A word that stands in few of the spans tells them apart: it counts for more. Ties go to the first. */
function pickBest(spans: Span[], read: (span: Span) => Set<string>): Span {
  const found = spans.map((span) => ({ span, terms: read(span) }))
  const spread = new Map<string, number>()
  for (const { terms } of found) {
    for (const term of terms) spread.set(term, (spread.get(term) ?? 0) + 1)
  }
  const score = (terms: Set<string>) =>
    [...terms].reduce((sum, term) => sum + 1 / spread.get(term)!, 0)
  return found.reduce((best, next) => (score(next.terms) > score(best.terms) ? next : best)).span
}

/** Paragraphs, a short line such as a heading joined to what follows it. */
function splitParagraphs(text: string): Span[] {
  const spans: Span[] = []
  let lead: number | null = null
  for (const match of text.matchAll(/\S[\s\S]*?(?=\n\s*\n|\s*$)/g)) {
    const start: number = lead ?? match.index
    const end = match.index + match[0].length
    const isHeading = match[0].length < 80 && !/[.!?。؟:;]$/.test(match[0])
    lead = isHeading ? start : null
    if (!isHeading) spans.push({ start, end })
  }
  if (lead !== null || spans.length === 0) spans.push({ start: lead ?? 0, end: text.length })
  return spans
}

/** Every run of neighbouring sentences that fits a quote. */
function joinSentences(sentences: Span[]): Span[] {
  return sentences.flatMap((first, from) => {
    const runs: Span[] = [first]
    for (const last of sentences.slice(from + 1)) {
      if (last.end - first.start > quoteChars) break
      runs.push({ start: first.start, end: last.end })
    }
    return runs
  })
}
