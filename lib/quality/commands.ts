import { record } from "#lib/audit/record.ts"
import { getBot, requireBot } from "#lib/bots/queries.ts"
import { hasChatModel, tryQuestion as tryBotQuestion } from "#lib/chat/trial.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { requireSource } from "#lib/knowledge/queries.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { type DraftSource, draftQuestions, listHeadings } from "./draft.ts"
import { readImport } from "./import.ts"
import { readGoldenQuestions, requireGolden, toGoldenViews } from "./queries.ts"
import { askGoldenQuestions, storeRun } from "./run.ts"
import {
  type CreateGoldenInput,
  createGoldenInput,
  type GoldenQuestionView,
  type ImportOutcome,
  maxGoldenQuestions,
  type RunMode,
  type RunWithResults,
  type TrialView,
  type TryQuestionInput,
  tryQuestionInput,
  type UpdateGoldenInput,
  updateGoldenInput,
} from "./schema.ts"

const draftsAtOnce = 12

type NewGolden = {
  question: string
  expects: "answer" | "refusal"
  sourceId: string | null
  phrase: string | null
  provenance: GoldenQuestionView["provenance"]
}

/** Adds a golden question. Throws `conflict` when the bot has it already, or has as many as it may. */
export async function createGolden(
  scope: TenantScope,
  botId: string,
  input: CreateGoldenInput,
): Promise<GoldenQuestionView> {
  allow(scope, "knowledge.write")
  const golden = createGoldenInput.parse(input)
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    return insertGolden(tx, scope, botId, golden)
  })
}

/** The same inside the caller's transaction. */
export async function insertGolden(
  tx: Tx,
  scope: TenantScope,
  botId: string,
  input: NewGolden,
): Promise<GoldenQuestionView> {
  const taken = await tx.goldenQuestion.findFirst({ where: { botId, question: input.question } })
  if (taken) throw fail("conflict", "This bot has that golden question already.")
  if ((await tx.goldenQuestion.count({ where: { botId } })) >= maxGoldenQuestions)
    throw fail("conflict", `A bot holds up to ${maxGoldenQuestions} golden questions. Delete some.`)
  const data = await withOwnSource(tx, botId, input)
  const row = await tx.goldenQuestion.create({
    data: { id: newId("golden"), tenantId: scope.tenantId, botId, ...data },
  })
  await record(tx, scope, {
    action: "golden.added",
    target: row.id,
    after: { botId, question: row.question, provenance: row.provenance },
  })
  return (await toGoldenViews(tx, botId, [row]))[0]!
}

/** A refusal expects nothing to be found; a source must be this bot's. */
async function withOwnSource<T extends Omit<NewGolden, "provenance">>(
  tx: Tx,
  botId: string,
  golden: T,
): Promise<T> {
  if (golden.expects === "refusal") return { ...golden, sourceId: null, phrase: null }
  if (golden.sourceId !== null && (await requireSource(tx, golden.sourceId)).botId !== botId)
    throw fail("not_found")
  return golden
}

/** Changes what `input` names and nothing else. */
export async function updateGolden(
  scope: TenantScope,
  questionId: string,
  input: UpdateGoldenInput,
): Promise<GoldenQuestionView> {
  allow(scope, "knowledge.write")
  const changes = updateGoldenInput.parse(input)
  return withTenant(scope, async (tx) => {
    const before = await requireGolden(tx, questionId)
    const { question, expects, sourceId, phrase } = before
    const wanted = { question, expects: expects as NewGolden["expects"], sourceId, phrase }
    for (const [field, value] of Object.entries(changes))
      if (value !== undefined) Object.assign(wanted, { [field]: value })
    const twin = await tx.goldenQuestion.findFirst({
      where: { botId: before.botId, question: wanted.question, id: { not: questionId } },
    })
    if (twin) throw fail("conflict", "This bot has that golden question already.")
    // A source that is gone meanwhile may stay named: the next run says so.
    const data =
      wanted.sourceId === before.sourceId && wanted.expects === "answer"
        ? wanted
        : await withOwnSource(tx, before.botId, wanted)
    const row = await tx.goldenQuestion.update({ where: { id: questionId }, data })
    // What another question was expected to do says nothing about this one.
    await tx.qualityResult.deleteMany({ where: { questionId } })
    await record(tx, scope, {
      action: "golden.changed",
      target: questionId,
      before: { question },
      after: { question: row.question },
    })
    return (await toGoldenViews(tx, row.botId, [row]))[0]!
  })
}

/** Deletes a golden question with its results; the figures of past runs stay. */
export async function deleteGolden(scope: TenantScope, questionId: string): Promise<void> {
  allow(scope, "knowledge.write")
  await withTenant(scope, async (tx) => {
    const { question } = await requireGolden(tx, questionId)
    await tx.goldenQuestion.delete({ where: { id: questionId } })
    await record(tx, scope, { action: "golden.deleted", target: questionId, before: { question } })
  })
}

/** Adds questions pasted as lines or CSV; those that cannot be added are named with the reason. */
export async function importGolden(
  scope: TenantScope,
  botId: string,
  text: string,
): Promise<ImportOutcome> {
  allow(scope, "knowledge.write")
  const rows = readImport(text)
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const sources = await tx.source.findMany({
      where: { botId },
      select: { id: true, title: true },
    })
    const byTitle = new Map(sources.map(({ id, title }) => [title.toLowerCase(), id]))
    const golden = await readGoldenQuestions(tx, botId)
    const known = new Set(golden.map(({ question }) => question))
    const data: (NewGolden & { id: string; tenantId: string; botId: string; createdAt: Date })[] =
      []
    const skipped: ImportOutcome["skipped"] = []
    for (const { line, sourceTitle, ...row } of rows) {
      const sourceId =
        sourceTitle === null ? null : (byTitle.get(sourceTitle.toLowerCase()) ?? null)
      const parsed = createGoldenInput.safeParse({ ...row, sourceId })
      const reason = !parsed.success
        ? parsed.error.issues[0]!.message
        : known.has(parsed.data.question)
          ? "It is there already."
          : sourceTitle !== null && sourceId === null
            ? `There is no source “${sourceTitle.slice(0, 80)}”.`
            : known.size >= maxGoldenQuestions
              ? `A bot holds up to ${maxGoldenQuestions}.`
              : null
      if (reason !== null || !parsed.success) {
        skipped.push({ line, reason: reason ?? "" })
        continue
      }
      known.add(parsed.data.question)
      const { tenantId } = scope
      const place = { id: newId("golden"), tenantId, botId, createdAt: momentOf(data.length) }
      data.push({ ...parsed.data, ...place, provenance: "imported" })
    }
    await tx.goldenQuestion.createMany({ data })
    if (data.length > 0)
      await record(tx, scope, {
        action: "golden.imported",
        target: botId,
        after: { count: data.length },
      })
    return { added: data.length, skipped }
  })
}

/** Rows of one statement would share their time, and lose the order they came in. */
function momentOf(index: number): Date {
  return new Date(Date.now() + index)
}

/**
 * Adds up to twelve questions that the bot's own documents suggest, each expecting its document. No model
 * is asked: headings become questions.
 */
export async function draftGolden(scope: TenantScope, botId: string): Promise<ImportOutcome> {
  allow(scope, "knowledge.write")
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const known = await readGoldenQuestions(tx, botId)
    const asked = new Set(known.map(({ question }) => question.toLowerCase()))
    const room = Math.min(draftsAtOnce, maxGoldenQuestions - known.length)
    const drafts = draftQuestions(await readDraftSources(tx, botId), maxGoldenQuestions * 2)
      .filter(({ question }) => !asked.has(question.toLowerCase()))
      .slice(0, Math.max(0, room))
    await tx.goldenQuestion.createMany({
      data: drafts.map(({ question, sourceId }, i) => ({
        id: newId("golden"),
        tenantId: scope.tenantId,
        botId,
        question,
        expects: "answer",
        sourceId,
        provenance: "drafted",
        createdAt: momentOf(i),
      })),
    })
    if (drafts.length > 0)
      await record(tx, scope, {
        action: "golden.drafted",
        target: botId,
        after: { count: drafts.length },
      })
    return { added: drafts.length, skipped: [] }
  })
}

const draftSources = 50

async function readDraftSources(tx: Tx, botId: string): Promise<DraftSource[]> {
  const sources = await tx.source.findMany({
    where: { botId, status: "ready" },
    orderBy: [{ createdAt: "asc" }, { id: "asc" }],
    take: draftSources,
  })
  const chunks = await tx.chunk.findMany({
    where: { sourceId: { in: sources.map(({ id }) => id) }, ordinal: { lt: 60 } },
    orderBy: [{ sourceId: "asc" }, { ordinal: "asc" }],
    select: { sourceId: true, heading: true, text: true, language: true },
  })
  return sources.map(({ id, kind, title }) => {
    const own = chunks.filter(({ sourceId }) => sourceId === id)
    const headings = own.flatMap((chunk) => listHeadings(chunk))
    return {
      id,
      kind,
      title,
      language: own[0]?.language ?? "en",
      headings,
      question: kind === "qa" ? (headings[0] ?? title) : null,
    }
  })
}

/** Asks all golden questions now, and keeps what came out as the state to compare with. */
export async function runGolden(
  scope: TenantScope,
  botId: string,
  mode: RunMode,
): Promise<RunWithResults> {
  allow(scope, "knowledge.write")
  const run = await askGoldenQuestions(scope, botId, { mode, reason: "asked" })
  if (run.results.length === 0) throw fail("conflict", "Add a golden question first.")
  return storeRun(scope, botId, run, "kept")
}

/**
 * What the bot would say to a question and from what, perhaps with other instructions. Reading rights are
 * enough to quote; the model costs money, and takes the right to write.
 */
export async function tryQuestion(
  scope: TenantScope,
  botId: string,
  input: TryQuestionInput,
): Promise<TrialView> {
  allow(scope, "knowledge.read")
  const { question, instructions, useModel } = tryQuestionInput.parse(input)
  if (useModel) allow(scope, "knowledge.write")
  const bot = await getBot(scope, botId)
  const { id, name, locale } = bot
  const trial = await tryBotQuestion(scope, {
    bot: { id, name, locale, instructions: instructions ?? bot.instructions },
    question,
    useModel,
  })
  const { passages, confidence, isRelevant } = trial.found
  return {
    question,
    answer: trial.text,
    mode: trial.mode,
    isAnswered: trial.isAnswered,
    cited: trial.citations.map(({ number }) => number),
    passages: passages.map(({ url: _, ...passage }) => passage),
    confidence,
    isRelevant,
    prompt: (await hasChatModel(scope)) ? writePrompt(trial.prompt) : null,
  }
}

function writePrompt({ instructions, messages }: { instructions: string; messages: unknown[] }) {
  const said = messages as { role: string; content: unknown }[]
  return [instructions, ...said.map(({ role, content }) => `${role}: ${String(content)}`)].join(
    "\n\n",
  )
}
