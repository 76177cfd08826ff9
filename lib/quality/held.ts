import { record } from "#lib/audit/record.ts"
import { passageCount } from "#lib/chat/answer.ts"
import { fail } from "#lib/errors.ts"
import { dropSource } from "#lib/knowledge/commands.ts"
import { holdBot } from "#lib/knowledge/corpus.ts"
import { lockSource } from "#lib/knowledge/hold.ts"
import type { SourceRow } from "#lib/knowledge/queries.ts"
import { searchWithin } from "#lib/knowledge/search.ts"
import { dropHeld, placeHeld } from "#lib/knowledge/settle.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import { scopeForJob, type TenantScope } from "#lib/tenancy/scope.ts"
import { keep, readBaseline } from "./gate.ts"
import {
  askAll,
  askGoldenQuestions,
  type FreshRun,
  insertRun,
  type PreparedRun,
  prepareRun,
} from "./run.ts"
import type { WorseQuestion } from "./schema.ts"
import { listWorse } from "./score.ts"

// Guarantees: what was read for a published bot with golden questions goes live in the very transaction that
// asked them of it and found none worse; else that transaction is undone. Killed anywhere, everything is as
// before and is asked again. Nobody but that transaction ever sees the new version before.

const plan = { mode: "quotes", reason: "knowledge" } as const
const batchSize = 50
/** So many times a batch is halved to find what makes it worse; after that, what is worse waits together. */
const mostHalvings = 12

/** The worker's own way to `checkHeld`: it has ids alone. */
export async function checkHeldBot(place: { botId: string; tenantId: string }): Promise<void> {
  await checkHeld(scopeForJob(place.tenantId, "check"), place.botId)
}

/** Puts live whatever waits for this bot's golden questions, or leaves it to the owner. */
export async function checkHeld(scope: TenantScope, botId: string): Promise<void> {
  let most = batchSize
  let size = most
  let halvings = 0
  for (;;) {
    const batch = await tryBatch(scope, botId, size).catch((error: unknown) => {
      if (size === 1) throw error
      return null
    })
    if (!batch) {
      // Large files together may take longer than a transaction may: fewer at once.
      most = Math.floor(size / 2)
      size = most
      continue
    }
    const { sources, run, worse } = batch
    if (sources.length === 0) return
    if (worse.length > 0 && sources.length > 1 && halvings < mostHalvings) {
      size = Math.floor(sources.length / 2)
      halvings++
      continue
    }
    if (worse.length > 0) await leaveToOwner(scope, botId, { sources, run, worse })
    size = most
  }
}

type Batch = { sources: SourceRow[]; run: FreshRun; worse: WorseQuestion[] }

class Worse extends Error {
  readonly batch: Batch

  constructor(batch: Batch) {
    super("rolled back on purpose")
    this.batch = batch
  }
}

const nothing: Batch = { sources: [], run: { ...plan, results: [] }, worse: [] }

async function tryBatch(scope: TenantScope, botId: string, size: number): Promise<Batch> {
  const where = { botId, status: "checking" }
  if ((await withTenant(scope, (tx) => tx.source.count({ where }))) === 0) return nothing
  // Read before: a second connection inside the transaction would starve the pool.
  const prepared = await prepareRun(scope, botId, plan)
  const baseline =
    (await readBaseline(scope, botId, plan.mode)) ??
    (await keep(scope, botId, await askGoldenQuestions(scope, botId, plan)))
  try {
    return await withTenant(scope, async (tx) => {
      const sources = await lockChecking(tx, botId, size)
      if (sources.length === 0) return nothing
      for (const source of sources) await placeHeld(tx, source)
      const run = await askWithin(tx, scope, prepared)
      const worse = listWorse(baseline ?? [], run.results)
      if (worse.length > 0) throw new Worse({ sources, run, worse })
      if (run.results.length > 0) await insertRun(tx, scope, botId, { ...run, outcome: "kept" })
      return { sources, run, worse }
    })
  } catch (error) {
    if (error instanceof Worse) return error.batch
    throw error
  }
}

/** Those that another worker is asking about, or that are just changing, are left to the next time. */
async function lockChecking(tx: Tx, botId: string, size: number): Promise<SourceRow[]> {
  if (!(await holdBot(tx, botId))) return []
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select id from sources where bot_id = ${botId} and status = 'checking'
    order by updated_at, id limit ${size}::int for update skip locked`
  const ids = rows.map(({ id }) => id)
  return tx.source.findMany({
    where: { id: { in: ids } },
    orderBy: [{ updatedAt: "asc" }, { id: "asc" }],
  })
}

async function askWithin(tx: Tx, scope: TenantScope, prepared: PreparedRun): Promise<FreshRun> {
  const place = { tenantId: scope.tenantId, botId: prepared.bot.id }
  return askAll(scope, prepared, (query) => searchWithin(tx, place, query, passageCount))
}

async function leaveToOwner(scope: TenantScope, botId: string, batch: Batch): Promise<void> {
  await withTenant(scope, async (tx) => {
    let count = 0
    for (const { id, claim, title } of batch.sources) {
      const changed = await tx.source.updateMany({
        // Deleted, replaced or put to be read again meanwhile: its next version is asked about.
        where: { id, claim, status: "checking" },
        data: { status: "held", worse: batch.worse },
      })
      if (changed.count === 0) continue
      count++
      await record(tx, scope, {
        action: "source.held",
        target: id,
        after: { botId, title, worse: batch.worse.length },
      })
    }
    if (count > 0) await insertRun(tx, scope, botId, { ...batch.run, outcome: "stopped" })
  })
}

/**
 * Puts a held source live although golden questions get worse: what comes next is compared with that. Throws
 * `conflict` when nothing of it waits for the owner.
 */
export async function acceptSource(scope: TenantScope, sourceId: string): Promise<void> {
  allow(scope, "knowledge.write")
  const { botId } = await withTenant(scope, (tx) => requireHeld(tx, sourceId))
  const prepared = await prepareRun(scope, botId, plan)
  await withTenant(scope, async (tx) => {
    const source = await requireHeld(tx, sourceId)
    await placeHeld(tx, source)
    const run = await askWithin(tx, scope, prepared)
    if (run.results.length > 0) await insertRun(tx, scope, botId, { ...run, outcome: "kept" })
    await record(tx, scope, {
      action: "source.accepted",
      target: sourceId,
      after: { botId, title: source.title, worse: countWorse(source) },
    })
  })
}

/**
 * Throws away what is held of a source: of a replacement the earlier version stays, a new source goes. Throws
 * `conflict` when nothing of it waits for the owner.
 */
export async function discardSource(scope: TenantScope, sourceId: string): Promise<void> {
  allow(scope, "knowledge.write")
  await withTenant(scope, async (tx) => {
    const source = await requireHeld(tx, sourceId)
    await record(tx, scope, {
      action: "source.discarded",
      target: sourceId,
      before: { botId: source.botId, title: source.title, worse: countWorse(source) },
    })
    if (source.chunkCount > 0) await dropHeld(tx, source)
    else await dropSource(tx, scope, sourceId)
  })
}

const countWorse = ({ worse }: SourceRow) => (Array.isArray(worse) ? worse.length : 0)

async function requireHeld(tx: Tx, sourceId: string): Promise<SourceRow> {
  const source = await lockSource(tx, sourceId)
  if (source.status !== "held") throw fail("conflict", "Nothing of this source waits for you.")
  return source
}
