import type { Client } from "pg"
import { searchKnowledge } from "#lib/knowledge/search.ts"
import { toAnyOfQuery } from "#lib/knowledge/tsvector.ts"
import { scopeFromMember } from "#lib/tenancy/scope.ts"

// Search at 20,000 and 100,000 chunks in one bot, alone and beside a million chunks of other tenants that hold
// the same words. Ours runs as the app role under row-level security; the plain query (any of the words,
// ordered by ts_rank) as a superuser without it, because under it the index would be closed to it.

const sizes = [20_000, 100_000]
const others = { tenants: 50, chunksEach: 20_000 }
const rounds = 300
const vocabulary = 30_000

type ScaleBot = { tenantId: string; botId: string; questions: string[] }
type Report = (label: string, value: number, most: number) => void

/**
 * Loads generated text as the owner of everything would, and measures. `superuser` must bypass row-level
 * security; `report` prints a ratio beside the most it may be.
 */
export async function benchScale(superuser: Client, report: Report): Promise<void> {
  await superuser.query("set session_replication_role = replica")
  await superuser.query("set maintenance_work_mem = '512MB'")
  await superuser.query("delete from chunks")
  const bots = new Map<number, ScaleBot>()
  await withoutIndexes(superuser, async () => {
    for (const size of sizes) bots.set(size, await addScaleBot(superuser, size))
  })
  const alone = new Map<number, number[]>()
  for (const [size, bot] of bots) {
    const { ours, plain } = await race(superuser, bot)
    alone.set(size, ours)
    console.log(`${size.toLocaleString("en")} chunks in one bot, ${rounds} questions`)
    printTimes("a search, app role under RLS", ours)
    printTimes("plain OR + ts_rank, no RLS", plain)
    report("p95 ÷ plain p95", percentile(ours, 0.95) / percentile(plain, 0.95), 0.25)
  }
  await withoutIndexes(superuser, () => addOthers(superuser, bots.get(sizes[0]!)!))
  const [count] = (await superuser.query("select count(*)::int as n from chunks")).rows
  console.log(`beside other tenants: ${count.n.toLocaleString("en")} chunks in all`)
  for (const [size, bot] of bots) {
    const { ours, plain } = await race(superuser, bot)
    printTimes(`${size.toLocaleString("en")} chunks, under RLS`, ours)
    printTimes("plain OR + ts_rank, no RLS", plain)
    report(
      "p95 ÷ its own p95 alone",
      percentile(ours, 0.95) / percentile(alone.get(size)!, 0.95),
      1.3,
    )
  }
}

const percentile = (ms: number[], share: number) =>
  ms.toSorted((a, b) => a - b)[Math.floor(ms.length * share)] ?? 0

function printTimes(label: string, ms: number[]): void {
  const [p50, p95] = [percentile(ms, 0.5), percentile(ms, 0.95)]
  console.log(`  ${label.padEnd(34)} p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`)
}

/** Building an index over the rows is minutes faster than keeping it up with each. */
async function withoutIndexes(superuser: Client, load: () => Promise<void>): Promise<void> {
  const { rows } = await superuser.query(
    "select indexname, indexdef from pg_indexes where tablename = 'chunks' and indexdef like '%gin%'",
  )
  for (const { indexname } of rows) await superuser.query(`drop index ${indexname}`)
  await load()
  for (const { indexdef } of rows) await superuser.query(indexdef)
  await superuser.query("vacuum analyze chunks")
  await superuser.query("vacuum analyze bot_terms")
  await superuser.query("checkpoint")
}

/**
 * Words by Zipf's law: half of a text is a few dozen common words, and every text has rare ones. They are
 * numbers written in consonants, which no stemmer changes.
 */
async function addScaleBot(superuser: Client, size: number): Promise<ScaleBot> {
  const [tenantId, botId, sourceId] = [`ten_scale${size}`, `bot_scale${size}`, `src_scale${size}`]
  await addOwner(superuser, tenantId, botId, sourceId)
  await superuser.query(
    `insert into chunks (id, tenant_id, bot_id, source_id, ordinal, text, language, tsv, term_count)
     select 'chk_' || $2 || '_' || i, $1, $2, $3, i, string_agg(word, ' ' order by at), 'en',
       string_agg(word || ':' || at, ' ')::tsvector, count(*)
     from generate_series(1, $4::int) i cross join lateral (
       select at, translate(floor(exp(random() * ln($5::int + i * 0)))::int::text,
                            '0123456789', 'bcdfgkmnpt') as word
       from generate_series(1, 60) at) words
     group by i`,
    [tenantId, botId, sourceId, size, vocabulary],
  )
  await countTerms(superuser, tenantId, botId)
  const { rows } = await superuser.query(
    `select text from chunks where bot_id = $1 and ordinal % $2::int = 0 limit $3::int`,
    [botId, Math.floor(size / rounds), rounds],
  )
  const questions = rows.map(({ text }: { text: string }, i) => {
    const words = text.split(" ")
    // Nine words of a passage as it has them, common and rare; one question in ten has a word that none holds.
    const asked = Array.from({ length: 9 }, (_, k) => words[(i * 7 + k * 13) % words.length])
    return `${asked.join(" ")}${i % 10 === 0 ? " zzkw" : ""}?`
  })
  return { tenantId, botId, questions }
}

async function addOwner(superuser: Client, tenantId: string, botId: string, sourceId: string) {
  await superuser.query("insert into tenants (id, name) values ($1, 'Scale')", [tenantId])
  await superuser.query("insert into bots (id, tenant_id, name) values ($1, $2, 'Scale')", [
    botId,
    tenantId,
  ])
  await superuser.query(
    `insert into sources (id, tenant_id, bot_id, kind, title, status)
     values ($1, $2, $3, 'text', 'Scale', 'ready')`,
    [sourceId, tenantId, botId],
  )
}

async function countTerms(superuser: Client, tenantId: string, botId: string): Promise<void> {
  await superuser.query(
    `insert into bot_terms (tenant_id, bot_id, term, chunk_count)
     select $1, $2, w.lexeme, count(*) from chunks c cross join unnest(c.tsv) w
     where c.bot_id = $2 group by w.lexeme`,
    [tenantId, botId],
  )
  await superuser.query(
    `insert into bot_corpora (tenant_id, bot_id, chunk_count, term_count, languages)
     select $1, $2, count(*), sum(term_count), jsonb_build_object('en', count(*))
     from chunks where bot_id = $2`,
    [tenantId, botId],
  )
}

/** Other tenants with the very texts of the measured one: whatever a question looks for, they have it too. */
async function addOthers(superuser: Client, like: ScaleBot): Promise<void> {
  for (let i = 0; i < others.tenants; i++) {
    const [tenantId, botId, sourceId] = [`ten_other${i}`, `bot_other${i}`, `src_other${i}`]
    await addOwner(superuser, tenantId, botId, sourceId)
    await superuser.query(
      `insert into chunks (id, tenant_id, bot_id, source_id, ordinal, text, language, tsv, term_count)
       select 'chk_' || $2 || '_' || ordinal, $1, $2, $3, ordinal, '', 'en', tsv, term_count
       from chunks where bot_id = $4 limit $5`,
      [tenantId, botId, sourceId, like.botId, others.chunksEach],
    )
    await superuser.query(
      `insert into bot_terms (tenant_id, bot_id, term, chunk_count)
       select $1, $2, term, chunk_count from bot_terms where bot_id = $3`,
      [tenantId, botId, like.botId],
    )
  }
}

/** Both ways in turns, so that whatever else the machine does meets both. */
async function race(superuser: Client, { tenantId, botId, questions }: ScaleBot) {
  const scope = scopeFromMember({ tenantId, userId: "usr_scale", label: "scale", role: "owner" })
  const times = { ours: [] as number[], plain: [] as number[] }
  for (const [i, question] of [...questions.slice(0, 10), ...questions].entries()) {
    const startedAt = performance.now()
    const found = await searchKnowledge(scope, botId, question, 8)
    const ms = performance.now() - startedAt
    if (found.passages.length === 0) throw new Error("a question found nothing")
    // The first ten warm up; of the slow plain query every fifth is enough.
    if (i < 10) continue
    times.ours.push(ms)
    if (i % 5 === 0) times.plain.push(await askPlainly(superuser, { tenantId, botId }, question))
  }
  return times
}

async function askPlainly(
  superuser: Client,
  { tenantId, botId }: { tenantId: string; botId: string },
  question: string,
): Promise<number> {
  const query = toAnyOfQuery(question.replace("?", "").split(" "))
  const startedAt = performance.now()
  await superuser.query(
    `select id, text from chunks where tenant_id = $1 and bot_id = $2 and tsv @@ $3::tsquery
     order by ts_rank(tsv, $3::tsquery, 1) desc limit 8`,
    [tenantId, botId, query],
  )
  return performance.now() - startedAt
}
