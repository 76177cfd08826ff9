import { recordUsage, type Usage } from "#lib/billing/commands.ts"
import type { SearchResult } from "#lib/knowledge/schema.ts"
import { searchKnowledge } from "#lib/knowledge/search.ts"
import { type Reservation, reserveMemberSpend, settleSpend } from "#lib/limits/spend.ts"
import { findModelFor } from "#lib/models/queries.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { type CitedPassage, composeAnswer, passageCount } from "./answer.ts"
import type { buildPrompt } from "./prompt.ts"

export type TriedBot = { id: string; name: string; instructions: string; locale: string | null }

export type Trial = {
  text: string
  citations: CitedPassage[]
  mode: "model" | "quotes" | "none"
  isAnswered: boolean
  found: SearchResult
  /** What a model reads, or would read. */
  prompt: ReturnType<typeof buildPrompt>
}

/** Whether there is a model to try with, the tenant's own or the deployment's. */
export async function hasChatModel(scope: TenantScope): Promise<boolean> {
  return (await findModelFor(scope)) !== null
}

/**
 * What a bot would answer, on a member's account: the visitors' own path of search, prompt, citations and
 * quotes. `bot` may carry other instructions than the stored ones. A model is called only when asked for,
 * with money set aside first; at a cap the answer is quoted.
 */
export async function tryQuestion(
  scope: TenantScope,
  input: {
    bot: TriedBot
    question: string
    useModel: boolean
    /** Looks elsewhere than in what is live: into a change that is not made yet. */
    search?: ((query: string) => Promise<SearchResult>) | undefined
  },
  signal: AbortSignal = new AbortController().signal,
): Promise<Trial> {
  const { bot } = input
  let read: Pick<Trial, "found" | "prompt"> | null = null
  let text = ""
  const citations: CitedPassage[] = []
  const events = composeAnswer({ question: input.question, history: [], bot }, signal, {
    botId: bot.id,
    search: input.search ?? ((query) => searchKnowledge(scope, bot.id, query, passageCount)),
    model: input.useModel
      ? {
          find: () => findModelFor(scope),
          reserve: ({ ownerId }, nanos) =>
            reserveMemberSpend(scope, bot.id, nanos, { isOwnModel: ownerId !== undefined }),
        }
      : null,
    onRead: (found, prompt) => {
      read = { found, prompt }
    },
  })
  for await (const event of events) {
    if (event.type === "text") text += event.text
    else if (event.type === "citation") citations.push(event.citation)
    else if (event.type === "end") {
      if (event.spend) await bookTrial(scope, bot.id, event.spend)
      const { mode, isAnswered } = event
      return { ...read!, text, citations, mode, isAnswered }
    }
  }
  throw new Error("an answer always ends with its end")
}

/** Settles and writes down a model call that no visitor made. */
export async function bookTrial(
  scope: TenantScope,
  botId: string,
  { usage, reservation }: { usage: Usage; reservation: Reservation },
): Promise<void> {
  await withTenant(scope, async (tx) => {
    const costNanos = await settleSpend(tx, scope, reservation, usage.costNanos)
    await recordUsage(tx, scope, { ...usage, costNanos, messageId: null, botId })
  })
}
