import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import {
  type Candidate,
  type CorpusSize,
  pickRarest,
  type Ranked,
  type Reading,
  rankCandidates,
  readQuestion,
  relevanceThreshold,
} from "./rank.ts"
import type { Passage, SearchResult } from "./schema.ts"
import { allowedSlips, mendWord } from "./spelling.ts"
import { readTerms, type Term } from "./terms.ts"
import { readTsvector, toAnyOfQuery } from "./tsvector.ts"

const candidateCount = 200
/** More languages than this in one bot are read as the commonest ones. */
const readingCount = 4
/** A question is a sentence or a paragraph; what follows would only cost time. */
const questionChars = 4_000
const termCount = 96
const mendedCount = 6

const nothing: SearchResult = { passages: [], confidence: 0, isRelevant: false }

/**
 * The bot's passages that answer `query` best, at most `limit`, best first. `isRelevant` is false when
 * the bot's knowledge does not cover the question. Throws `not_found` for a bot that is not the
 * scope's.
 */
export async function searchKnowledge(
  scope: TenantScope,
  botId: string,
  query: string,
  limit = 8,
): Promise<SearchResult> {
  if (!scope.visitor) allow(scope, "knowledge.read")
  return withTenant(scope, async (tx) => {
    const corpus = await readCorpus(tx, botId)
    if (corpus.chunkCount === 0) return nothing
    const readings = await readInLanguages(tx, { botId, query, languages: corpus.languages })
    const candidates = await findCandidates(tx, botId, readings)
    const ranked = rankCandidates(readings, candidates, corpus).slice(0, limit)
    const best = ranked[0]
    if (!best) return nothing
    // The best match of the words and the best order of passages need not be the same chunk.
    const confidence = Math.max(...ranked.slice(0, 3).map((chunk) => chunk.confidence))
    return {
      passages: await readPassages(tx, ranked),
      confidence: round(confidence),
      isRelevant: confidence >= relevanceThreshold(corpus.chunkCount, corpus.languages[0] ?? "en"),
    }
  })
}

type Corpus = CorpusSize & { languages: string[] }

async function readCorpus(tx: Tx, botId: string): Promise<Corpus> {
  const [row] = await tx.$queryRaw<
    { chunkCount: number | null; termCount: number | null; languages: unknown }[]
  >`
    select c.chunk_count as "chunkCount", c.term_count::float8 as "termCount", c.languages
    from bots b left join bot_corpora c on c.tenant_id = b.tenant_id and c.bot_id = b.id
    where b.id = ${botId}`
  if (!row) throw fail("not_found")
  const chunkCount = row.chunkCount ?? 0
  return {
    chunkCount,
    averageTermCount: chunkCount > 0 ? (row.termCount ?? 0) / chunkCount : 0,
    languages: orderLanguages(row.languages),
  }
}

/** The languages of a corpus, `{ en: 120, de: 3 }`, commonest first. */
export function orderLanguages(counts: unknown): string[] {
  if (typeof counts !== "object" || counts === null) return []
  return Object.entries(counts as Record<string, number>)
    .filter(([, count]) => count > 0)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([language]) => language)
}

type Question = { botId: string; query: string; languages: string[] }

async function readInLanguages(tx: Tx, question: Question): Promise<Reading[]> {
  const text = question.query.slice(0, questionChars)
  const read = question.languages.slice(0, readingCount).map((language) => ({
    language,
    terms: readTerms(text, language).slice(0, termCount),
  }))
  const distinct = new Set(read.flatMap(({ terms }) => terms.map(({ term }) => term)))
  const counts = await countChunks(tx, question.botId, [...distinct])
  const mended = await mendUnknown(tx, {
    botId: question.botId,
    terms: read.flatMap(({ terms }) => terms),
    counts,
  })
  return read.map(({ language, terms }) => readQuestion(language, terms, counts, mended))
}

async function countChunks(tx: Tx, botId: string, terms: string[]): Promise<Map<string, number>> {
  const rows = await tx.$queryRaw<{ term: string; count: number }[]>`
    select term, chunk_count as count from bot_terms
    where bot_id = ${botId} and term = any (${terms}::text[])`
  return new Map(rows.map(({ term, count }) => [term, count]))
}

/**
 * Stands in for words that no chunk holds: the bot's own word that is one slip away, from the part of
 * its vocabulary that begins with the first or (for swapped letters) the second letter. Adds what it
 * finds to `counts`.
 */
async function mendUnknown(
  tx: Tx,
  options: { botId: string; terms: Term[]; counts: Map<string, number> },
): Promise<Map<string, string>> {
  const { botId, terms, counts } = options
  const unknown = new Set<string>()
  for (const { term, isStopWord } of terms) {
    if (!isStopWord && !counts.has(term) && isMendable(term)) unknown.add(term)
  }
  const mended = new Map<string, string>()
  for (const word of [...unknown].slice(0, mendedCount)) {
    const vocabulary = await readVocabulary(tx, botId, word)
    const known = mendWord(word, vocabulary)
    if (!known) continue
    mended.set(word, known)
    counts.set(known, vocabulary.find(({ term }) => term === known)!.chunkCount)
  }
  return mended
}

/** Numbers and pairs of Chinese characters have no spelling to get wrong. */
function isMendable(term: string): boolean {
  return allowedSlips(term) > 0 && /^\p{L}[\p{L}\p{M}]+$/u.test(term)
}

async function readVocabulary(tx: Tx, botId: string, word: string) {
  const [first, second] = [...word] as [string, string]
  const slips = allowedSlips(word)
  const length = [...word].length
  // Only operators that are leakproof, so that the primary key still serves under row-level security.
  const [row] = await tx.$queryRaw<{ words: string | null }[]>`
    select string_agg(term || ' ' || chunk_count, ',') as words from bot_terms
    where bot_id = ${botId}
      and ((term >= ${first} and term < ${nextLetter(first)})
        or (term >= ${second} and term < ${nextLetter(second)}))
      and char_length(term) between ${length - slips} and ${length + slips}`
  return (row?.words ?? "")
    .split(",")
    .filter(Boolean)
    .map((pair) => {
      const space = pair.lastIndexOf(" ")
      return { term: pair.slice(0, space), chunkCount: Number(pair.slice(space + 1)) }
    })
}

function nextLetter(letter: string): string {
  return String.fromCodePoint(letter.codePointAt(0)! + 1)
}

async function findCandidates(tx: Tx, botId: string, readings: Reading[]): Promise<Candidate[]> {
  const rarest = pickRarest(readings)
  if (rarest.length === 0) return []
  const terms = new Set(readings.flatMap((reading) => reading.terms.map(({ term }) => term)))
  const rows = await tx.$queryRaw<
    { id: string; language: string; termCount: number; positions: string }[]
  >`
    select id, language, term_count as "termCount", positions
    from search.find_candidates(${botId}, ${toAnyOfQuery(rarest)}::tsquery,
      ${[...terms]}::text[], ${candidateCount}::int)`
  return rows.map((row) => ({ ...row, positions: readTsvector(row.positions) }))
}

async function readPassages(tx: Tx, ranked: Ranked[]): Promise<Passage[]> {
  const rows = await tx.$queryRaw<Omit<Passage, "score">[]>`
    select c.id as "chunkId", c.source_id as "sourceId", s.title, c.heading, c.page, s.url, c.text
    from chunks c join sources s on s.tenant_id = c.tenant_id and s.id = c.source_id
    where c.id = any (${ranked.map(({ id }) => id)}::text[])`
  const byId = new Map(rows.map((row) => [row.chunkId, row]))
  return ranked.flatMap(({ id, score }) => {
    const row = byId.get(id)
    return row ? [{ ...row, score: round(score) }] : []
  })
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
