import type { Tx } from "#lib/tenancy/database.ts"
import type { Language } from "./language.ts"
import { allowedSlips, type KnownWord, listParts, mendWord, splitCompound } from "./spelling.ts"
import { listSynonyms } from "./synonyms.ts"
import type { Term } from "./terms.ts"

/** A question has one or two slips; a text in a language the bot does not speak is all slips. */
const mendedCount = 6

/** So many of the bot's words are compared with a misspelt one: a planted vocabulary must not cost seconds. */
const comparedCount = 1_500

/** Whose vocabulary: raw SQL is beyond wall 1, so the tenant stands in every statement. */
export type Place = { tenantId: string; botId: string }

/** How many of the bot's chunks hold each of these stems; those that none holds are left out. */
export async function countChunks(
  tx: Tx,
  { tenantId, botId }: Place,
  terms: string[],
): Promise<Map<string, number>> {
  if (terms.length === 0) return new Map()
  const rows = await tx.$queryRaw<{ term: string; count: number }[]>`
    select term, chunk_count as count from bot_terms
    where tenant_id = ${tenantId} and bot_id = ${botId} and term = any (${terms}::text[])`
  return new Map(rows.map(({ term, count }) => [term, count]))
}

type Reading = { language: Language; terms: Term[] }
type Unknown = { place: Place; readings: Reading[]; counts: Map<string, number> }

/** So many synonyms stand in for one word: those the bot's knowledge really uses, nearest first. */
const synonymCount = 2

/**
 * Stands in for words that no chunk holds: what the bot calls the same thing, or its own word one or two
 * slips away, or else the words a compound is made of. Adds what it finds to `counts`.
 */
export async function mendUnknown(tx: Tx, question: Unknown): Promise<Map<string, string[]>> {
  const { place, readings, counts } = question
  const mended = new Map<string, string[]>()
  const synonyms = listUnknown(readings, counts)
  if (synonyms.size === 0) return mended
  const words = [...synonyms.keys()].slice(0, mendedCount)
  const others = words.flatMap((word) => [...synonyms.get(word)!, ...listParts(word)])
  const known = await countChunks(tx, place, [...new Set(others)])
  const stand = (word: string, found: string[]) => {
    if (found.length === 0) return
    mended.set(word, found)
    for (const term of found) counts.set(term, known.get(term)!)
  }
  for (const word of words) {
    stand(
      word,
      synonyms
        .get(word)!
        .filter((other) => known.has(other))
        .slice(0, synonymCount),
    )
  }
  const misspelt = words.filter((word) => !mended.has(word) && isMendable(word))
  for (const [word, vocabulary] of await readVocabulary(tx, place, misspelt)) {
    const nearest = mendWord(word, vocabulary)
    if (!nearest) continue
    known.set(nearest, vocabulary.find(({ term }) => term === nearest)!.chunkCount)
    stand(word, [nearest])
  }
  for (const word of words) {
    if (!mended.has(word))
      stand(
        word,
        splitCompound(word, (part) => known.has(part)),
      )
  }
  return mended
}

/** The words that no chunk holds and that something may stand in for, with their synonyms. */
function listUnknown(readings: Reading[], counts: Map<string, number>): Map<string, string[]> {
  const unknown = new Map<string, string[]>()
  for (const { language, terms } of readings) {
    for (const { term, isStopWord } of terms) {
      if (isStopWord || counts.has(term)) continue
      // Two languages may read a word to the same stem; only one of them may know it.
      const synonyms = [...(unknown.get(term) ?? []), ...listSynonyms(term, language)]
      if (synonyms.length > 0 || isMendable(term)) unknown.set(term, synonyms)
    }
  }
  return unknown
}

/** Numbers and pairs of Chinese characters have no spelling to get wrong. */
function isMendable(term: string): boolean {
  return allowedSlips(term) > 0 && /^\p{L}[\p{L}\p{M}]+$/u.test(term)
}

/**
 * For each word the part of the bot's vocabulary that it may be a misspelling of: words of about its
 * length that begin with its first letter or, for swapped letters, its second.
 */
async function readVocabulary(
  tx: Tx,
  { tenantId, botId }: Place,
  words: string[],
): Promise<Map<string, KnownWord[]>> {
  if (words.length === 0) return new Map()
  const ranges = words.flatMap((word) => {
    const [first, second] = [...word] as [string, string]
    const length = [...word].length
    const slips = allowedSlips(word)
    return [...new Set([first, second])].map((low) => ({
      word,
      low,
      high: String.fromCodePoint(low.codePointAt(0)! + 1),
      shortest: length - slips,
      longest: length + slips,
    }))
  })
  // Only operators that are leakproof, so that the primary key still serves under row-level security;
  // one line of text instead of a thousand rows.
  const rows = await tx.$queryRaw<{ word: string; known: string }[]>`
    select r.word, string_agg(b.term || ' ' || b.chunk_count, ',') as known
    from jsonb_to_recordset(${JSON.stringify(ranges)}::jsonb)
      as r (word text, low text, high text, shortest int, longest int)
    cross join lateral (
      select t.term, t.chunk_count from bot_terms t
      where t.tenant_id = ${tenantId} and t.bot_id = ${botId} and t.term >= r.low and t.term < r.high
        and char_length(t.term) between r.shortest and r.longest
      order by t.chunk_count desc limit ${comparedCount}) b
    group by r.word`
  return new Map(rows.map(({ word, known }) => [word, known.split(",").map(readKnown)]))
}

function readKnown(pair: string): KnownWord {
  const space = pair.lastIndexOf(" ")
  return { term: pair.slice(0, space), chunkCount: Number(pair.slice(space + 1)) }
}
