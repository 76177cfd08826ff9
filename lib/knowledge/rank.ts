import type { Language } from "./language.ts"
import type { Term } from "./terms.ts"

/** How much there is in a bot's knowledge, for BM25. */
export type CorpusSize = { chunkCount: number; averageTermCount: number }

export type QuestionTerm = {
  term: string
  /** What a match earns: 1 for a word as typed, less for function words and for guesses. */
  weight: number
  /** What a match proves, and what an answer is expected to match: a guess proves less than it earns. */
  certainty: number
  expected: number
  /** How many of the bot's chunks hold it; 0 when none does. */
  chunkCount: number
}

/** A question as read in one language: its distinct stems, and the pairs that stand side by side. */
export type Reading = {
  language: Language
  terms: QuestionTerm[]
  pairs: [string, string][]
}

export type Candidate = {
  id: string
  language: Language
  termCount: number
  /** Positions of the question's stems in the chunk. */
  positions: Map<string, number[]>
}

/**
 * `coverage` is how much of the question the chunk holds, 0 to about 1; `evidence` how much the content
 * words it holds tell, in nats: a rare word more than a common one, repetition no more than once.
 */
export type Ranked = {
  id: string
  language: Language
  score: number
  coverage: number
  evidence: number
}

const k1 = 1.2
const b = 0.75
/** Half of what neighbouring stems earn counts: "bank holiday" is more than "bank" and "holiday". */
const pairWeight = 0.5
const pairCoverage = 0.25
/** Words like "what" and "the" hold little of the meaning, and in few documents of a small bot. */
export const stopWordWeight = 0.25
const mended = { weight: 0.8, certainty: 0.6 }
const part = { weight: 0.6, certainty: 0.45 }

/**
 * Puts a question's words in the form ranking needs. `stands` maps words that no chunk holds to the
 * known words that stand in for them.
 */
export function readQuestion(
  language: Language,
  terms: Term[],
  chunkCounts: ReadonlyMap<string, number>,
  stands: ReadonlyMap<string, string[]> = new Map(),
): Reading {
  const byTerm = new Map<string, QuestionTerm>()
  const pairs = new Map<string, [string, string]>()
  let previous: { term: string; isStopWord: boolean } | undefined
  for (const { term: typed, isStopWord } of terms) {
    const stead = stands.get(typed) ?? [typed]
    for (const term of stead) {
      const worth = isStopWord ? stopWord : weighGuess(stead.length, term === typed)
      const expected = isStopWord ? stopWordWeight : 1 / stead.length
      const known = byTerm.get(term)
      if (!known || known.weight < worth.weight) {
        byTerm.set(term, { term, ...worth, expected, chunkCount: chunkCounts.get(term) ?? 0 })
      }
    }
    const term = stead[0]!
    if (previous && !(isStopWord && previous.isStopWord)) {
      pairs.set(`${previous.term} ${term}`, [previous.term, term])
    }
    previous = { term: stead.at(-1)!, isStopWord }
  }
  return { language, terms: [...byTerm.values()], pairs: [...pairs.values()] }
}

const stopWord = { weight: stopWordWeight, certainty: stopWordWeight }

function weighGuess(count: number, isAsTyped: boolean): { weight: number; certainty: number } {
  if (isAsTyped) return { weight: 1, certainty: 1 }
  return count === 1 ? mended : part
}

/** Robertson's inverse document frequency, never negative. */
export function weighRarity(chunkCount: number, total: number): number {
  return Math.log(1 + (total - chunkCount + 0.5) / (chunkCount + 0.5))
}

/**
 * Orders candidates by BM25 over stems plus half of BM25 over neighbouring stems, each candidate by
 * the question as read in its own language. A pair's rarity is counted among the candidates: they hold
 * nearly every chunk with both words, and nobody has to store the counts of all pairs.
 */
export function rankCandidates(
  readings: Reading[],
  candidates: Candidate[],
  corpus: CorpusSize,
): Ranked[] {
  const byLanguage = new Map(readings.map((reading) => [reading.language, reading]))
  const fallback = readings[0]
  if (!fallback) return []
  const pairCounts = new Map<string, number>()
  const found = candidates.map((candidate) => {
    const reading = byLanguage.get(candidate.language) ?? fallback
    const pairs = reading.pairs.flatMap(([first, second]) => {
      const count = countNeighbours(candidate.positions.get(first), candidate.positions.get(second))
      if (count === 0) return []
      const key = `${first} ${second}`
      pairCounts.set(key, (pairCounts.get(key) ?? 0) + 1)
      return [{ key, count }]
    })
    return { candidate, reading, pairs }
  })
  const ceilings = new Map(readings.map((r) => [r, weighQuestion(r, corpus)]))
  const ranked = found.map(({ candidate, reading, pairs }) => {
    const length = k1 * (1 - b + (b * candidate.termCount) / (corpus.averageTermCount || 1))
    const saturate = (count: number) => (count * (k1 + 1)) / (count + length)
    const words = { score: 0, covered: 0, evidence: 0 }
    for (const { term, weight, certainty, chunkCount } of reading.terms) {
      const count = candidate.positions.get(term)?.length ?? 0
      if (count === 0) continue
      words.score += weight * weighRarity(chunkCount, corpus.chunkCount) * saturate(count)
      const proof = certainty * weighInformation(chunkCount, corpus.chunkCount)
      words.covered += proof * saturate(count)
      if (weight !== stopWordWeight) words.evidence += proof
    }
    const neighbours = { score: 0, covered: 0 }
    for (const { key, count } of pairs) {
      const chunkCount = pairCounts.get(key)!
      neighbours.score += weighRarity(chunkCount, corpus.chunkCount) * saturate(count)
      neighbours.covered += weighInformation(chunkCount, corpus.chunkCount) * saturate(count)
    }
    return {
      id: candidate.id,
      language: candidate.language,
      score: words.score + pairWeight * neighbours.score,
      coverage: (words.covered + pairCoverage * neighbours.covered) / ceilings.get(reading)!,
      evidence: words.evidence,
    }
  })
  return ranked.sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1))
}

/**
 * Rarity for judging how much of a question is covered. In a bot of three passages plain rarity says
 * next to nothing, and a word that none of them holds would outweigh all that they do hold: so every
 * corpus is taken to be twenty ordinary passages larger than it is.
 */
function weighInformation(chunkCount: number, total: number): number {
  return weighRarity(chunkCount + 0.2, total + 20)
}

function countNeighbours(first: number[] | undefined, second: number[] | undefined): number {
  if (!first || !second) return 0
  const starts = new Set(first)
  let count = 0
  for (const position of second) if (starts.has(position - 1)) count++
  return count
}

/**
 * What a chunk that answers every word would score, and one unknown word more: without that one, a
 * question of a single common word would be sure of the first chunk that happens to hold it.
 */
function weighQuestion(reading: Reading, corpus: CorpusSize): number {
  let sum = weighInformation(0, corpus.chunkCount)
  for (const { expected, chunkCount } of reading.terms) {
    sum += expected * weighInformation(chunkCount, corpus.chunkCount)
  }
  return (k1 + 1) * sum
}

/**
 * A logistic model of "this chunk answers the question". Fitted on public reading-comprehension questions
 * in five languages, in corpora of 1 to 680 passages cut from them: a question about a passage that is
 * there counts as answerable, one about an article that is not as foreign. Fitted on the articles of one
 * half it gives the other half the same figures. Coverage says most; the same coverage says less in a
 * large corpus, where some chunk always shares a few words with any question, and more when the words are
 * rare ones. Pairs of characters, and words with many endings, meet less often, right or wrong.
 */
const relevance = { base: -5.96, coverage: 33.5, evidence: 0.144, logChunkCount: -0.504 }
const languageBase = { english: 0, characters: 2.0, inflected: 1.19 }
/** Log odds at which 95 % and a little more of the answerable questions pass, by kind of language. */
const relevanceCut = { english: -1.25, characters: -1.25, inflected: -1.75 }

function kindOf(language: Language): keyof typeof languageBase {
  if (language === "en") return "english"
  return ["zh", "ja", "ko"].includes(language) ? "characters" : "inflected"
}

/**
 * How sure it is that a chunk answers the question, 0 to 1. From a half on the question counts as covered by
 * the bot's knowledge.
 */
export function estimateConfidence(
  { coverage, evidence, language }: Omit<Ranked, "id" | "score">,
  { chunkCount }: Pick<CorpusSize, "chunkCount">,
): number {
  const kind = kindOf(language)
  const odds =
    relevance.base +
    languageBase[kind] +
    relevance.coverage * coverage +
    relevance.evidence * evidence +
    relevance.logChunkCount * Math.log(Math.max(1, chunkCount))
  return 1 / (1 + Math.exp(relevanceCut[kind] - odds))
}

/** The rarest words find the candidates: enough to be sure, few enough to be quick. */
const rarestCount = 4
const pickCount = 12
const pickBudget = 400
/** Past so many chunks a common word only fetches those that hold a second one: each costs microseconds. */
const rowBudget = 2_000
const pairedCount = 4
/** Words of one passage meet more often than chance has it. */
const togetherness = 4
const leastRows = 400

/** Which chunks are fetched: those that hold any of the words, or both words of any pair. */
export type Choice = { any: string[]; pairs: [string, string][] }

/**
 * Which of the question's stems candidates are fetched by: the four rarest, and more of them while they are
 * rare together. In a large bot even those may be common: beyond a budget of chunks they count in pairs
 * only, so that the work does not grow with the bot.
 */
export function pickRarest(readings: Reading[], chunkCount: number): Choice {
  const known = new Map<string, QuestionTerm>()
  for (const reading of readings) {
    for (const term of reading.terms) {
      if (term.chunkCount > 0 && term.weight >= (known.get(term.term)?.weight ?? 0)) {
        known.set(term.term, term)
      }
    }
  }
  const order = [...known.values()].sort(
    (x, y) =>
      Number(x.weight === stopWordWeight) - Number(y.weight === stopWordWeight) ||
      x.chunkCount - y.chunkCount ||
      (x.term < y.term ? -1 : 1),
  )
  const any: QuestionTerm[] = []
  let total = 0
  for (const term of order) {
    total += term.chunkCount
    if (any.length >= pickCount || total > rowBudget) break
    if (any.length >= rarestCount && total > pickBudget) break
    any.push(term)
  }
  const rest = order.slice(any.length, any.length + pairedCount)
  const pairs = any.length >= rarestCount ? [] : pairUp(rest, chunkCount)
  const rows = sum(any.map((term) => term.chunkCount)) + sum(pairs.map(({ rows }) => rows))
  // Nothing is rare and nothing meets: then the rarest alone, common as it is.
  if (order[any.length] && rows < leastRows && any.length === 0) any.push(order[0]!)
  return {
    any: any.map(({ term }) => term),
    pairs: pairs.map(({ pair }) => pair),
  }
}

/** Pairs that are expected to meet least often first, as many as the budget holds. */
function pairUp(terms: QuestionTerm[], chunkCount: number) {
  const pairs = terms.flatMap((first, i) =>
    terms.slice(i + 1).map((second) => ({
      pair: [first.term, second.term] as [string, string],
      rows: Math.min(
        first.chunkCount,
        (togetherness * first.chunkCount * second.chunkCount) / Math.max(1, chunkCount),
      ),
    })),
  )
  let total = 0
  return pairs
    .sort((x, y) => x.rows - y.rows)
    .filter(({ rows }, i) => {
      total += rows
      return i === 0 || total <= rowBudget
    })
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
