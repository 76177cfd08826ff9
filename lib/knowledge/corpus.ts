import { newId } from "#lib/ids.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import type { Chunk } from "./chunk.ts"
import type { Language } from "./language.ts"
import { readTerms, type Term } from "./terms.ts"
import { toTsvector } from "./tsvector.ts"

// Guarantees: a bot's term counts (`bot_terms`, `bot_corpora`) change in the transaction that adds or
// removes the chunks, from the stored vectors themselves, so they are exact by construction.
// Every transaction here locks bot, source, corpus in this order: two never wait for each other.

export type IndexedChunk = Chunk & {
  id: string
  language: Language
  tsv: string
  termCount: number
}

/**
 * Reads a chunk's words, those of its title and headings included: a passage under "Returns" is about
 * returns even where its text says "send it back". Gaps keep words of different parts from standing
 * side by side.
 */
export function indexChunk(title: string, chunk: Chunk, language: Language): IndexedChunk {
  const terms: Term[] = []
  for (const part of [title, chunk.heading, chunk.text]) {
    if (part) terms.push(...readTerms(part, language, (terms.at(-1)?.position ?? -1) + 2))
  }
  return {
    ...chunk,
    id: newId("chunk"),
    language,
    tsv: toTsvector(terms),
    termCount: terms.length,
  }
}

type Owner = { tenantId: string; botId: string; sourceId: string }

/** Keeps the bot from being deleted until this transaction ends; false when it is gone already. */
export async function holdBot(tx: Tx, botId: string): Promise<boolean> {
  const rows = await tx.$queryRaw<object[]>`select 1 from bots where id = ${botId} for key share`
  return rows.length > 0
}

/** Takes the bot's counts for this transaction, making them on the first chunk. */
async function lockCorpus(tx: Tx, { tenantId, botId }: Owner): Promise<void> {
  await tx.$executeRaw`
    insert into bot_corpora (tenant_id, bot_id) values (${tenantId}, ${botId})
    on conflict (tenant_id, bot_id) do update set chunk_count = bot_corpora.chunk_count`
}

const rowsPerInsert = 250

/** Adds a source's chunks and counts their terms. The caller holds the bot and has locked the source. */
export async function addChunks(tx: Tx, owner: Owner, chunks: IndexedChunk[]): Promise<void> {
  await lockCorpus(tx, owner)
  const { tenantId, botId, sourceId } = owner
  for (let start = 0; start < chunks.length; start += rowsPerInsert) {
    const rows = chunks.slice(start, start + rowsPerInsert).map((chunk, i) => ({
      id: chunk.id,
      ordinal: start + i,
      heading: chunk.heading,
      page: chunk.page,
      text: chunk.text,
      language: chunk.language,
      tsv: chunk.tsv,
      term_count: chunk.termCount,
    }))
    await tx.$executeRaw`
      insert into chunks (id, tenant_id, bot_id, source_id, ordinal, heading, page, text, language,
                          tsv, term_count)
      select r.id, ${tenantId}, ${botId}, ${sourceId}, r.ordinal, r.heading, r.page, r.text,
             r.language, r.tsv::tsvector, r.term_count
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id text, ordinal int,
        heading text, page int, text text, language text, tsv text, term_count int)`
  }
  await countTerms(tx, owner, 1)
  await countCorpus(tx, owner, 1)
}

/** Removes a source's chunks and takes their terms off the counts. Same locks as addChunks. */
export async function removeChunks(tx: Tx, owner: Owner): Promise<void> {
  await lockCorpus(tx, owner)
  const { tenantId, botId, sourceId } = owner
  await countTerms(tx, owner, -1)
  await tx.$executeRaw`
    delete from bot_terms
    where tenant_id = ${tenantId} and bot_id = ${botId} and chunk_count <= 0`
  await countCorpus(tx, owner, -1)
  await tx.$executeRaw`
    delete from chunks where tenant_id = ${tenantId} and source_id = ${sourceId}`
}

/**
 * Adds the terms of a source's chunks to the bot's counts, or takes them off. An upsert both times: an
 * update that joins has no statistics to plan with here and took seconds where this takes milliseconds.
 */
async function countTerms(tx: Tx, owner: Owner, sign: 1 | -1): Promise<void> {
  const { tenantId, botId, sourceId } = owner
  await tx.$executeRaw`
    insert into bot_terms (tenant_id, bot_id, term, chunk_count)
    select ${tenantId}, ${botId}, w.lexeme, ${sign}::int * count(*)
    from chunks c cross join unnest(c.tsv) w
    where c.tenant_id = ${tenantId} and c.source_id = ${sourceId}
    group by w.lexeme
    on conflict (tenant_id, bot_id, term)
    do update set chunk_count = bot_terms.chunk_count + excluded.chunk_count`
}

async function countCorpus(tx: Tx, owner: Owner, sign: 1 | -1): Promise<void> {
  const { tenantId, botId, sourceId } = owner
  const counts = await tx.$queryRaw<{ language: string; chunks: number; terms: number }[]>`
    select language, count(*)::int as chunks, sum(term_count)::int as terms
    from chunks where tenant_id = ${tenantId} and source_id = ${sourceId} group by language`
  for (const { language, chunks, terms } of counts) {
    await tx.$executeRaw`
      update bot_corpora set
        chunk_count = chunk_count + ${sign * chunks}::int,
        term_count = term_count + ${sign * terms}::int,
        languages = jsonb_set(languages, array[${language}::text],
          to_jsonb(greatest(0, coalesce((languages ->> ${language}::text)::int, 0)
                               + ${sign * chunks}::int)))
      where tenant_id = ${tenantId} and bot_id = ${botId}`
  }
}
