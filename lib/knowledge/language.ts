import { stopWordsOf } from "./stop-words.ts"

/** Languages are BCP 47 primary tags; `und` is text that gives nothing to go by. */
export type Language = string

const scripts: { script: string; pattern: RegExp; weight: number }[] = [
  // One Han character carries about what two or three letters do: a Chinese text full of Latin brand
  // names is still Chinese.
  { script: "han", pattern: /\p{Script=Han}/gu, weight: 3 },
  { script: "kana", pattern: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu, weight: 2 },
  { script: "hangul", pattern: /\p{Script=Hangul}/gu, weight: 2 },
  { script: "latin", pattern: /\p{Script=Latin}/gu, weight: 1 },
  { script: "cyrillic", pattern: /\p{Script=Cyrillic}/gu, weight: 1 },
  { script: "arabic", pattern: /\p{Script=Arabic}/gu, weight: 1 },
  { script: "devanagari", pattern: /\p{Script=Devanagari}/gu, weight: 1 },
  { script: "greek", pattern: /\p{Script=Greek}/gu, weight: 1 },
  { script: "hebrew", pattern: /\p{Script=Hebrew}/gu, weight: 1 },
  { script: "thai", pattern: /\p{Script=Thai}/gu, weight: 1 },
  { script: "lao", pattern: /\p{Script=Lao}/gu, weight: 1 },
  { script: "khmer", pattern: /\p{Script=Khmer}/gu, weight: 1 },
  { script: "myanmar", pattern: /\p{Script=Myanmar}/gu, weight: 1 },
  { script: "armenian", pattern: /\p{Script=Armenian}/gu, weight: 1 },
  { script: "tamil", pattern: /\p{Script=Tamil}/gu, weight: 1 },
  { script: "bengali", pattern: /\p{Script=Bengali}/gu, weight: 1 },
  { script: "georgian", pattern: /\p{Script=Georgian}/gu, weight: 1 },
  { script: "telugu", pattern: /\p{Script=Telugu}/gu, weight: 1 },
]

const languageOfScript: Record<string, Language> = {
  han: "zh",
  kana: "ja",
  hangul: "ko",
  devanagari: "hi",
  greek: "el",
  hebrew: "he",
  thai: "th",
  lao: "lo",
  khmer: "km",
  myanmar: "my",
  armenian: "hy",
  tamil: "ta",
  bengali: "bn",
  georgian: "ka",
  telugu: "te",
}

const latinLanguages = "en de fr es pt it nl sv da nb fi hu cs pl ro tr vi ca sl eu ga id".split(
  " ",
)
const cyrillicLanguages = ["ru", "uk", "bg"]
const arabicLanguages = ["ar", "fa"]

/** Letters that few languages share settle short texts that hold hardly any function words. */
const tellingLetters: Record<string, RegExp> = {
  de: /[ßäöü]/g,
  fr: /[çœêèùâîû]/g,
  es: /[ñ¿¡]/g,
  pt: /[ãõ]/g,
  pl: /[łąęśźż]/g,
  cs: /[řůěčž]/g,
  hu: /[őűáéö]/g,
  ro: /[șțşţăâ]/g,
  tr: /[ğış]/g,
  vi: /[ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/g,
  sv: /[åäö]/g,
  da: /[æøå]/g,
  nb: /[æøå]/g,
  fi: /[äö]/g,
  sl: /[čšž]/g,
  uk: /[іїєґ]/g,
  ru: /[ыэё]/g,
  bg: /[ъщ]/g,
  fa: /[پچژگیک]/g,
}

/** How much of a long text is looked at: enough to tell, bounded for a 20 MB file. */
const sampleChars = 20_000

/**
 * The language of a text, from its script and then its function words. Returns null when the text is
 * too short or too mixed to tell: the caller then falls back on what the bot's other sources speak.
 */
export function detectLanguage(text: string): Language | null {
  const sample = takeSample(text).normalize("NFKC")
  const script = findMainScript(sample)
  if (!script) return null
  if (script === "latin") return findBest(sample, latinLanguages)
  if (script === "cyrillic") return findBest(sample, cyrillicLanguages) ?? "ru"
  if (script === "arabic") return findBest(sample, arabicLanguages) ?? "ar"
  return languageOfScript[script] ?? null
}

/** Start, middle and end: a foreign-language cover page must not decide for the whole document. */
function takeSample(text: string): string {
  if (text.length <= sampleChars) return text
  const third = Math.floor(sampleChars / 3)
  const middle = Math.floor(text.length / 2)
  return `${text.slice(0, third)} ${text.slice(middle, middle + third)} ${text.slice(-third)}`
}

function findMainScript(sample: string): string | null {
  const counts = new Map<string, number>()
  for (const { script, pattern, weight } of scripts) {
    const count = sample.match(pattern)?.length ?? 0
    if (count > 0) counts.set(script, count * weight)
  }
  // Japanese mixes kana with Han; a few kana settle it.
  const kana = counts.get("kana") ?? 0
  const han = counts.get("han") ?? 0
  if (kana > 0 && kana >= han * 0.05) {
    counts.set("kana", kana + han)
    counts.delete("han")
  }
  let best: string | null = null
  for (const [script, count] of counts) if (!best || count > counts.get(best)!) best = script
  return best
}

function findBest(sample: string, languages: Language[]): Language | null {
  const words = sample.match(/[\p{L}\p{M}]+/gu) ?? []
  if (words.length === 0) return null
  // "Los Angeles" is no Spanish article: capitals within a text are names, unless all of it shouts.
  const lower = words.map((word) => word.toLowerCase())
  const isShouting = lower.every((word, i) => word !== words[i])
  const scored = languages.map((language) => {
    const stopWords = stopWordsOf(language)
    let hits = 0
    for (const [i, word] of lower.entries()) {
      if (!stopWords.has(word) || !(i === 0 || isShouting || word === words[i])) continue
      // One-letter words belong to too many languages to count in full.
      hits += word.length === 1 ? 0.4 : 1
    }
    const letters = tellingLetters[language]
    const telling = letters ? (sample.toLowerCase().match(letters)?.length ?? 0) : 0
    return { language, score: (hits + Math.min(telling, words.length) * 0.5) / words.length }
  })
  scored.sort((a, b) => b.score - a.score)
  const [first, second] = scored
  if (!first || first.score < 0.12) return null
  // Two close readings of three words are a guess; of a paragraph they are near relatives (da, nb).
  if (second && words.length < 12 && first.score - second.score < 0.08) return null
  return first.language
}
