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

/** The run of sentences, at most 420 characters, that holds most of the question's words. */
export function pickSpan(question: string, text: string): string {
  if (text.length <= quoteChars) return text.trim()
  const language = detectLanguage(text) ?? "en"
  const wanted = new Set(
    readTerms(question, language)
      .filter((t) => !t.isStopWord)
      .map((t) => t.term),
  )
  const sentences = [
    ...new Intl.Segmenter(language, { granularity: "sentence" }).segment(text),
  ].map(({ segment, index }) => ({
    start: index,
    end: index + segment.length,
    hits: new Set(readTerms(segment, language).map((t) => t.term)).intersection(wanted).size,
  }))
  let span = { start: 0, end: Math.min(quoteChars, text.length), hits: -1 }
  for (let from = 0; from < sentences.length; from++) {
    let hits = 0
    for (let to = from; to < sentences.length; to++) {
      const [first, last] = [sentences[from]!, sentences[to]!]
      if (to > from && last.end - first.start > quoteChars) break
      hits += last.hits
      if (hits > span.hits) span = { start: first.start, end: last.end, hits }
    }
  }
  // One sentence may be longer than a quote should be: cut at a word.
  const quote = text.slice(span.start, span.end).trim()
  return quote.length <= quoteChars * 2 ? quote : quote.slice(0, quoteChars).replace(/\s+\S*$/, "")
}
