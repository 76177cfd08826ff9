import { detectLanguage } from "#lib/knowledge/language.ts"
import { readTerms } from "#lib/knowledge/terms.ts"
import type { Claim, JudgeSupport } from "./citations.ts"

/**
 * A sentence in its passage's language shares at least this much of its content with it. The line between
 * the examples of support.test.ts, a few dozen written by hand; not measured on answers of real models.
 */
const leastShare = 0.3
/** Fewer content words than this say nothing alone ("Yes."): the words they answer to count as well. */
const fewTerms = 2

export type CitablePassage = { number: number; title: string; heading: string; text: string }

/**
 * Judges whether passages support the sentences that cite them: words quoted literally must stand in the
 * passage, and the sentence must share enough content with it. A sentence in another language than its
 * passage shares no words with it: there its figures must agree, as far as both have some.
 */
export function makeSupportJudge(
  question: string,
  passages: readonly CitablePassage[],
): JudgeSupport {
  const byNumber = new Map(passages.map((passage) => [passage.number, readPassage(passage)]))
  return (claim, numbers) => {
    const cited = numbers.map((number) => ({ number, passage: byNumber.get(number)! }))
    const quotes = listQuotes(claim.sentence).filter((quote) => !flatten(question).includes(quote))
    const isQuoteFound = quotes.every((quote) =>
      cited.some(({ passage }) => passage.flat.includes(quote)),
    )
    if (!isQuoteFound) return []
    return cited
      .filter(({ passage }) => quotes.length === 0 || quotes.some((q) => passage.flat.includes(q)))
      .filter(({ passage }) => supports(passage, claim, question))
      .map(({ number }) => number)
  }
}

type ReadPassage = { flat: string; language: string; terms: Set<string>; figures: Set<string> }

function readPassage({ title, heading, text }: CitablePassage): ReadPassage {
  const whole = `${title}\n${heading}\n${text}`
  const language = detectLanguage(text) ?? detectLanguage(whole) ?? "en"
  return {
    flat: flatten(whole),
    language,
    terms: new Set(readTerms(whole, language).map(({ term }) => toDigits(term, language))),
    figures: listFigures(whole),
  }
}

function supports(passage: ReadPassage, { sentence, previous }: Claim, question: string): boolean {
  const words = flatten(sentence)
  if (words !== "" && passage.flat.includes(words)) return true
  const language = detectLanguage(sentence)
  if (language && language !== passage.language) {
    const figures = listFigures(sentence)
    return (
      figures.size === 0 || passage.figures.size === 0 || !figures.isDisjointFrom(passage.figures)
    )
  }
  const terms = listContentTerms(sentence, passage.language)
  if (isShared(terms, passage.terms)) return true
  if (terms.size >= fewTerms) return false
  return isShared(listContentTerms(`${question} ${previous}`, passage.language), passage.terms)
}

function isShared(terms: Set<string>, known: Set<string>): boolean {
  return terms.size > 0 && terms.intersection(known).size / terms.size >= leastShare
}

function listContentTerms(text: string, language: string): Set<string> {
  return new Set(
    readTerms(text, language)
      .filter(({ isStopWord }) => !isStopWord)
      .map(({ term }) => toDigits(term, language)),
  )
}

const figures = [...Array.from({ length: 21 }, (_, i) => i), 30, 40, 50, 60, 70, 80, 90, 100]
const numberWords: Record<string, string> = {
  en: "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred",
  de: "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert",
  fr: "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt trente quarante cinquante soixante soixante-dix quatre-vingts quatre-vingt-dix cent",
  es: "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien",
}
const digitsOfTerm = new Map(
  Object.entries(numberWords).flatMap(([language, words]) =>
    words.split(" ").flatMap((word, i) => {
      const terms = readTerms(word, language)
      // "dix-sept" reads as two terms, which are numbers already.
      return terms.length === 1 ? [[`${language} ${terms[0]!.term}`, String(figures[i])]] : []
    }),
  ) as [string, string][],
)

/** "thirty" and "30" are one word, whichever of the two a model prefers. */
function toDigits(term: string, language: string): string {
  return digitsOfTerm.get(`${language} ${term}`) ?? term
}

function listFigures(text: string): Set<string> {
  return new Set(readTerms(text, "en").flatMap(({ term }) => (/^\d+$/.test(term) ? [term] : [])))
}

/** One way to write a text: case, kinds of quotation marks, dashes and spaces, and markup are not words. */
function flatten(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[*_`#>|]+/g, " ")
    .replace(/['’‘ʼ]/g, "'")
    .replace(/[‐-―−]/g, "-")
    .replace(/\s+/g, " ")
    .trim()
}

const quoted = /“([^“”]+)”|„([^„“”]+)[“”]|«([^«»]+)»|"([^"]+)"|「([^「」]+)」|『([^『』]+)』/g
/** Shorter ones are names and words at arm's length, not quotations. */
const quoteChars = 12

function listQuotes(sentence: string): string[] {
  return [...sentence.matchAll(quoted)]
    .map((match) => flatten(match.slice(1).find((text) => text !== undefined)!))
    .map((quote) => quote.replace(/^[.,;:!?…\s]+|[.,;:!?…\s]+$/g, ""))
    .filter((quote) => quote.length >= quoteChars || /[\u3040-\u9fff]{4}/.test(quote))
}
