import type { Tx } from "#lib/tenancy/database.ts"
import { allowedSlips, type KnownWord, listParts, mendWord, splitCompound } from "./spelling.ts"
import type { Term } from "./terms.ts"

/** A question has one or two slips; a text in a language the bot does not speak is all slips. */
const mendedCount = 6

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

type Unknown = { place: Place; terms: Term[]; counts: Map<string, number> }

/**
 * Stands in for words that no chunk holds: the bot's own word one or two slips away, or else the words
 * a compound is made of. Adds what it finds to `counts`.
 */
export async function mendUnknown(tx: Tx, question: Unknown): Promise<Map<string, string[]>> {
  const { place, terms, counts } = question
  const unknown = new Set<string>()
  for (const { term, isStopWord } of terms) {
    if (!isStopWord && !counts.has(term) && isMendable(term)) unknown.add(term)
  }
  const mended = new Map<string, string[]>()
  if (unknown.size === 0) return mended
  const words = [...unknown].slice(0, mendedCount)
  for (const [word, vocabulary] of await readVocabulary(tx, place, words)) {
    const known = mendWord(word, vocabulary)
    if (!known) continue
    mended.set(word, [known])
    counts.set(known, vocabulary.find(({ term }) => term === known)!.chunkCount)
  }
  const rest = words.filter((word) => !mended.has(word))
  const parts = await countChunks(tx, place, [...new Set(rest.flatMap(listParts))])
  for (const word of rest) {
    const found = splitCompound(word, (part) => parts.has(part))
    if (found.length === 0) continue
    mended.set(word, found)
    for (const part of found) counts.set(part, parts.get(part)!)
  }
  return mended
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
    join bot_terms b on b.tenant_id = ${tenantId} and b.bot_id = ${botId}
      and b.term >= r.low and b.term < r.high
      and char_length(b.term) between r.shortest and r.longest
    group by r.word`
  return new Map(rows.map(({ word, known }) => [word, known.split(",").map(readKnown)]))
}

function readKnown(pair: string): KnownWord {
  const space = pair.lastIndexOf(" ")
  return { term: pair.slice(0, space), chunkCount: Number(pair.slice(space + 1)) }
}
