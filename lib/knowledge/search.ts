import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import {
  type Candidate,
  type CorpusSize,
  estimateConfidence,
  pickRarest,
  type Reading,
  rankCandidates,
  readQuestion,
} from "./rank.ts"
import type { Passage, SearchResult } from "./schema.ts"
import { readTerms } from "./terms.ts"
import { readTsvector, toCandidateQuery } from "./tsvector.ts"
import {
  embedQuestion,
  findNear,
  fuseRanks,
  isNear,
  type QuestionVector,
  type Reserve,
} from "./vectors.ts"
import { countChunks, mendUnknown, type Place } from "./vocabulary.ts"

/** How many candidates are ranked in full: measured to cost no recall, at either size. */
const candidateCount = (chunkCount: number) => (chunkCount > 5_000 ? 200 : 120)
/** More languages than this in one bot are read as the commonest ones. */
const readingCount = 4
/** A question is a sentence or a paragraph; what follows would only cost time. */
const questionChars = 4_000
const termCount = 96

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
  reserve?: Reserve,
): Promise<SearchResult> {
  if (!scope.visitor) allow(scope, "knowledge.read")
  const place = { tenantId: scope.tenantId, botId }
  const vector = await embedQuestion(scope, botId, query.slice(0, questionChars), reserve)
  return withTenant(scope, (tx) => searchWithin(tx, place, query, limit, vector))
}

/**
 * The same inside the caller's transaction, as it left the bot's knowledge; by words alone when the question
 * comes without its vector.
 */
export async function searchWithin(
  tx: Tx,
  place: Place,
  query: string,
  limit: number,
  vector: QuestionVector | null = null,
): Promise<SearchResult> {
  const question = { place, query, limit, vector }
  // A chunk that goes between finding and reading it belongs to a source that just got its next version:
  // looked up once more, that one answers.
  const found = await lookUp(tx, question)
  return found.isWhole ? found.result : (await lookUp(tx, question)).result
}

type LookUp = { place: Place; query: string; limit: number; vector: QuestionVector | null }

async function lookUp(
  tx: Tx,
  { place, query, limit, vector }: LookUp,
): Promise<{ result: SearchResult; isWhole: boolean }> {
  const corpus = await readCorpus(tx, place)
  if (corpus.chunkCount === 0) return { result: nothing, isWhole: true }
  const readings = await readInLanguages(tx, { place, query, languages: corpus.languages })
  const candidates = await findCandidates(tx, { botId: place.botId, corpus, readings })
  const byWords = rankCandidates(readings, candidates, corpus)
  const near = vector ? await findNear(tx, place, vector) : []
  const order = vector
    ? fuseRanks(listIds(byWords.slice(0, fusedCount)), listIds(near.slice(0, fusedCount)))
    : byWords
  const ranked = order.slice(0, limit)
  // Words that the counts know and the index does not: the two were read on both sides of an exchange.
  if (!ranked[0]) return { result: nothing, isWhole: candidates.length > 0 }
  const passages = await readPassages(tx, place, ranked)
  // The best match of the words and the best order of passages need not be the same chunk.
  const best = byWords.slice(0, 3).map((chunk) => estimateConfidence(chunk, corpus))
  const confidence = Math.max(0, ...best)
  const result = {
    passages,
    confidence: round(confidence),
    isRelevant: confidence >= 0.5 || isNear(near),
  }
  return { result, isWhole: passages.length === ranked.length }
}

/** So many of either order have a say in the one made of both. */
const fusedCount = 50

const listIds = (rows: { id: string }[]) => rows.map(({ id }) => id)

type Corpus = CorpusSize & { languages: string[] }

async function readCorpus(tx: Tx, { tenantId, botId }: Place): Promise<Corpus> {
  const [row] = await tx.$queryRaw<
    { chunkCount: number | null; termCount: number | null; languages: unknown }[]
  >`
    select c.chunk_count as "chunkCount", c.term_count::float8 as "termCount", c.languages
    from bots b left join bot_corpora c on c.tenant_id = b.tenant_id and c.bot_id = b.id
    where b.tenant_id = ${tenantId} and b.id = ${botId}`
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

type Question = { place: Place; query: string; languages: string[] }

async function readInLanguages(tx: Tx, question: Question): Promise<Reading[]> {
  const text = question.query.slice(0, questionChars)
  const read = question.languages.slice(0, readingCount).map((language) => ({
    language,
    terms: readTerms(text, language).slice(0, termCount),
  }))
  const distinct = new Set(read.flatMap(({ terms }) => terms.map(({ term }) => term)))
  const counts = await countChunks(tx, question.place, [...distinct])
  const mended = await mendUnknown(tx, {
    place: question.place,
    readings: read,
    counts,
  })
  return read.map(({ language, terms }) => readQuestion(language, terms, counts, mended))
}

async function findCandidates(
  tx: Tx,
  { botId, corpus, readings }: { botId: string; corpus: Corpus; readings: Reading[] },
): Promise<Candidate[]> {
  const query = toCandidateQuery(pickRarest(readings, corpus.chunkCount))
  if (query === "") return []
  const terms = new Set(readings.flatMap((reading) => reading.terms.map(({ term }) => term)))
  const rows = await tx.$queryRaw<
    { id: string; language: string; termCount: number; positions: string }[]
  >`
    select id, language, term_count as "termCount", positions
    from search.find_candidates(${botId}, ${query}::tsquery,
      ${[...terms]}::text[], ${candidateCount(corpus.chunkCount)}::int)`
  return rows.map((row) => ({ ...row, positions: readTsvector(row.positions) }))
}

async function readPassages(
  tx: Tx,
  { tenantId }: Place,
  ranked: { id: string; score: number }[],
): Promise<Passage[]> {
  const rows = await tx.$queryRaw<Omit<Passage, "score">[]>`
    select c.id as "chunkId", c.source_id as "sourceId", s.title, c.heading, c.page, s.url, c.text,
      s.visibility
    from chunks c join sources s on s.tenant_id = c.tenant_id and s.id = c.source_id
    where c.tenant_id = ${tenantId} and c.id = any (${ranked.map(({ id }) => id)}::text[])`
  const byId = new Map(rows.map((row) => [row.chunkId, row]))
  return ranked.flatMap(({ id, score }) => {
    const row = byId.get(id)
    return row ? [{ ...row, score: round(score) }] : []
  })
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
