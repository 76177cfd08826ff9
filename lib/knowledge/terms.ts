import type { Language } from "./language.ts"
import { stemWord } from "./stem.ts"
import { stopWordsOf } from "./stop-words.ts"

/** One stem of a text, in order. Positions count from 1 and leave a gap where parts are joined. */
export type Term = { term: string; position: number; isStopWord: boolean }

const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々〆]+/u
const unspaced = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const wordPattern =
  /\p{Nd}+(?:[.,]\p{Nd}+)+|[\p{L}\p{M}\p{N}ー々〆]+(?:['’ʼ՚＇][\p{L}\p{M}\p{N}]+)*/gu
const runPattern =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々〆]+|[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々〆\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu

/** Zero-width and formatting characters: invisible, yet they would split or spoil a word. */
const invisible = /\p{Cf}|\p{Variation_Selector}/gu

/** Postgres keeps lexemes of at most 2,046 bytes; nothing that long is a word. */
const termChars = 48

/**
 * Reads a text into ordered stems. The same function reads chunks and questions, so what a person
 * types meets what was stored whatever Postgres's own text configurations say.
 */
export function readTerms(text: string, language: Language, firstPosition = 1): Term[] {
  const stopWords = stopWordsOf(language)
  const terms: Term[] = []
  let position = firstPosition
  const add = (term: string, isStopWord: boolean) => {
    if (term) terms.push({ term: term.slice(0, termChars), position: position++, isStopWord })
  }
  const normal = text.normalize("NFKC").replace(invisible, "")
  const lower =
    language === "tr" ? normal.toLocaleLowerCase("tr").replaceAll("i̇", "i") : normal.toLowerCase()
  for (const [match] of lower.matchAll(wordPattern)) {
    for (const [run] of match.matchAll(runPattern)) {
      if (cjk.test(run)) addBigrams(run, stopWords, add)
      else if (unspaced.test(run)) addSegments(run, language, stopWords, add)
      else addWord(run, language, stopWords, add)
    }
  }
  return terms
}

/** Korean particles and polite verb endings behind a word of two syllables or more: grammar, not content. */
const koreanEnding =
  /(?<=\p{Script=Hangul}{2})(?:에서는|으로는|에서|에는|으로|까지|부터|에게|한테|이나|은|는|이|가|을|를|의|에|로|와|과|도|만|하나요|인가요|되나요|할까요|입니까|합니까|입니다|합니다|됩니다|습니다|하려면|하면|해요|해야)$/u

type Add = (term: string, isStopWord: boolean) => void

/** Scripts without word spaces: overlapping pairs find a word wherever it starts. */
function addBigrams(run: string, stopWords: ReadonlySet<string>, add: Add): void {
  const chars = [...run.replace(koreanEnding, "")]
  if (chars.length === 1) add(run, stopWords.has(run))
  for (let i = 0; i + 1 < chars.length; i++) {
    const pair = `${chars[i]}${chars[i + 1]}`
    add(pair, stopWords.has(pair) || (stopWords.has(chars[i]!) && stopWords.has(chars[i + 1]!)))
  }
}

const segmenters = new Map<string, Intl.Segmenter>()

function addSegments(run: string, language: Language, stopWords: ReadonlySet<string>, add: Add) {
  const locale = ["th", "lo", "km", "my"].includes(language) ? language : "th"
  let segmenter = segmenters.get(locale)
  if (!segmenter) {
    segmenter = new Intl.Segmenter(locale, { granularity: "word" })
    segmenters.set(locale, segmenter)
  }
  for (const { segment, isWordLike } of segmenter.segment(run)) {
    if (isWordLike) add(segment, stopWords.has(segment))
  }
}

function addWord(run: string, language: Language, stopWords: ReadonlySet<string>, add: Add): void {
  if (/^\p{Nd}/u.test(run) && /[.,]/.test(run)) {
    addNumber(run, add)
    return
  }
  for (const part of splitApostrophes(run, language)) {
    const word = foldScript(part)
    if (!word) continue
    const isStopWord = stopWords.has(part) || stopWords.has(word)
    add(foldMarks(stemWord(word, languageOfWord(word, language)), language), isStopWord)
  }
}

/** `1,283` and `1.283` are one number in two conventions; `3.5` stays two neighbouring terms. */
function addNumber(run: string, add: Add): void {
  const digits = toAsciiDigits(run)
  const parts = /^\d{1,3}([.,]\d{3})+$/.test(digits)
    ? [digits.replace(/[.,]/g, "")]
    : digits.split(/[.,]/)
  for (const part of parts) add(part, false)
}

/**
 * What an apostrophe means depends on the language: Turkish adds case endings after it, French and
 * Italian put an article before it, English a possessive after it.
 */
function splitApostrophes(run: string, language: Language): string[] {
  const parts = run.split(/['’ʼ՚＇]/)
  if (parts.length === 1) return parts
  if (language === "tr") return [parts[0]!]
  if (["fr", "it", "ca", "ga"].includes(language)) return parts
  const last = parts.at(-1)!
  if (last.length <= 1) return [parts.slice(0, -1).join("")]
  return last.length <= 3 ? [parts.join("")] : parts
}

function toAsciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0)!
    if (code < 128) return digit
    // Every script's digits are ten in a row: walk down to its zero.
    let zero = code
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--
    return String(code - zero)
  })
}

const latinWord = /^[\p{Script=Latin}\p{M}\p{Nd}]+$/u
const latinStemmed = new Set(
  "en de fr es pt it nl sv da nb fi hu cs pl ro tr vi ca sl eu ga id".split(" "),
)

/** A Latin word in an Arabic or Chinese text is most likely a name or English. */
function languageOfWord(word: string, language: Language): Language {
  if (latinStemmed.has(language) || !latinWord.test(word)) return language
  return "en"
}

/** Spelling variants that carry no meaning, per script, before stemming. */
function foldScript(word: string): string {
  if (/\p{Script=Arabic}/u.test(word)) return foldArabic(word)
  if (/\p{Script=Hebrew}/u.test(word)) return word.replace(/[\u0591-\u05c7]/g, "")
  if (/\p{Script=Devanagari}/u.test(word)) {
    return word
      .normalize("NFD")
      .replace(/\u093c/g, "")
      .replace(/\u0901/g, "\u0902")
  }
  if (/\p{Script=Cyrillic}/u.test(word)) return word.replace(/ё/g, "е").replace(/\u0301/g, "")
  if (/\p{Script=Greek}/u.test(word)) {
    return word.normalize("NFD").replace(/\p{M}/gu, "").replace(/ς/g, "σ")
  }
  return toAsciiDigits(word)
}

function foldArabic(word: string): string {
  return toAsciiDigits(word)
    .replace(/[\u064b-\u065f\u0670\u06d6-\u06ed\u0640]/g, "")
    .replace(/[أإآٱ]/g, "ا")
    .replace(/ى/g, "ي")
    .replace(/ی/g, "ي")
    .replace(/ک/g, "ك")
}

/**
 * Accents that people leave out on a keyboard are dropped after stemming, when the stemmer no longer
 * needs them. Vietnamese keeps them: there they are the difference between words.
 */
function foldMarks(stem: string, language: Language): string {
  if (language === "vi" || !/\p{Script=Latin}/u.test(stem)) return stem
  return stem
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/ı/g, "i")
    .replace(/ß/g, "ss")
    .replace(/ø/g, "o")
    .replace(/æ/g, "ae")
    .replace(/đ/g, "d")
    .replace(/ł/g, "l")
}
