import snowball from "snowball-stemmers"
import type { Language } from "./language.ts"

const algorithms: Record<string, string> = {
  ca: "catalan",
  cs: "czech",
  da: "danish",
  de: "german",
  en: "english",
  es: "spanish",
  eu: "basque",
  fi: "finnish",
  fr: "french",
  ga: "irish",
  hu: "hungarian",
  hy: "armenian",
  it: "italian",
  nb: "norwegian",
  nl: "dutch",
  pt: "portuguese",
  ro: "romanian",
  ru: "russian",
  sl: "slovene",
  sv: "swedish",
  ta: "tamil",
  tr: "turkish",
}

/** Hindi case and number endings, longest first (after Ramanathan and Rao, 2003). */
const hindiEndings =
  "ाएंगी ाएंगे ाऊंगी ाऊंगा ाइयाँ ाइयों ाइयां एंगी एंगे ऊंगी ऊंगा ातीं नाओं नाएं ताओं ताएं ियाँ ियों ियां ाएगी ाएगा ाओगी ाओगे ाकर ाइए ाईं ाया ेगी ेगा ोगी ोगे ाने ाना ाते ाती ाता तीं ाओं ाएं ुओं ुएं ुआं कर ाओ िए ाई ाए ने नी ना ते ीं ती ता ाँ ां ों ें ो े ू ु ी ि ा".split(
    " ",
  )
const greekEndings =
  "ματων ματοσ ματα οντασ ωντασ ιουσ ιων ησησ ησεισ ησεων ηση ουσ ων εσ οσ ον ου οι ασ ησ εισ εων εωσ ια ιο ει αι ισ ω ε α η ο ι υ σ".split(
    " ",
  )
const arabicPronouns = "هما كما ها هم هن كم نا ه".split(" ")
const arabicEndings = "ات ان ون ين يه وا ه ت ي ا".split(" ")
const persianEndings = "هایی های ها ترین تر ان ات ی".split(" ")

/** Languages whose endings are rich but have no stemmer here: the first letters carry the meaning. */
const truncatedAt: Record<string, number> = { pl: 6, uk: 6, bg: 6, he: 5, bn: 6, ka: 6, te: 6 }

function cutEnding(word: string, endings: string[], minLength: number): string {
  for (const ending of endings) {
    if (word.length - ending.length >= minLength && word.endsWith(ending)) {
      return word.slice(0, -ending.length)
    }
  }
  return word
}

/**
 * Light stemming after Larkey's light10, with one-letter prepositions. Snowball's Arabic leaves the
 * conjunction on (wal-kitab is not kitab) and found fewer passages on every set it was measured on.
 */
function stemArabic(word: string): string {
  let stem = word.replace(/ة$/, "ه")
  if (stem.length > 3) stem = stem.replace(/^و/, "")
  const bare = stem.replace(/^(?:[بكف]?ال|لل)(?=..)/, "")
  if (bare !== stem) stem = bare
  else if (stem.length > 4) stem = stem.replace(/^(?:[بل]|س(?=[يتن]))/, "")
  stem = cutEnding(stem, arabicPronouns, 3)
  for (const ending of arabicEndings) {
    if (stem.length - ending.length >= 3 && stem.endsWith(ending)) {
      stem = stem.slice(0, -ending.length)
    }
  }
  return stem
}

/** One-letter words (and, the, in, to, as) are written onto the next word, several in a row. */
function stemHebrew(word: string): string {
  let stem = word
  while (stem.length > 3 && /^[והבלכ]/.test(stem)) stem = stem.slice(1)
  return stem.slice(0, truncatedAt.he)
}

const stemmers = new Map<string, { stem(word: string): string }>()

function stemUncached(word: string, language: Language): string {
  const algorithm = algorithms[language]
  if (algorithm) {
    let stemmer = stemmers.get(algorithm)
    if (!stemmer) {
      stemmer = snowball.newStemmer(algorithm)
      stemmers.set(algorithm, stemmer)
    }
    return stemmer.stem(word)
  }
  if (language === "ar") return stemArabic(word)
  if (language === "he") return stemHebrew(word)
  if (language === "hi") return cutEnding(word, hindiEndings, 2)
  if (language === "el") return cutEnding(word, greekEndings, 3)
  if (language === "fa") return cutEnding(word, persianEndings, 3)
  const length = truncatedAt[language]
  return length ? word.slice(0, length) : word
}

/** Words repeat and the Turkish stemmer takes 60 µs each; the map is emptied when it has grown. */
const cache = new Map<string, string>()
const cacheSize = 50_000

/** The stem of one lower-case word. Languages without a stemmer give the word back. */
export function stemWord(word: string, language: Language): string {
  const key = `${language} ${word}`
  const known = cache.get(key)
  if (known !== undefined) return known
  if (cache.size >= cacheSize) cache.clear()
  const stem = stemUncached(word, language)
  cache.set(key, stem)
  return stem
}
