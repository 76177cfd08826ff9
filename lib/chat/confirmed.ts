import type { KeyLimits } from "#lib/limits/schema.ts"
import { reserveSpend } from "#lib/limits/spend.ts"
import { mayCallModel } from "#lib/models/breaker.ts"
import { streamModel, worstCaseCost } from "#lib/models/chat-model.ts"
import { findModelFor } from "#lib/models/queries.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { decideCall } from "#lib/tools/calls.ts"
import { runTool } from "#lib/tools/run.ts"
import type { AnswerEvent, Question } from "./answer.ts"
import { toolPhrase } from "./phrases.ts"
import { buildPrompt } from "./prompt.ts"
import { frameResult } from "./tools.ts"

/**
 * Answers a visitor's yes or no to a call that waits: runs it once, and has the model say what came of it,
 * without tools. What was decided, late or changed since runs nothing.
 */
export async function* answerConfirmation(
  scope: VisitorScope,
  { confirm, ...question }: Question & { confirm: { callId: string; isApproved: boolean } },
  { limits, signal }: { limits: KeyLimits; signal: AbortSignal },
): AsyncGenerator<AnswerEvent> {
  const asked = question.history.findLast(({ role }) => role === "user")?.text ?? ""
  const end = { type: "end", isAnswered: true, isFailed: false } as const
  const say = (kind: Parameters<typeof toolPhrase>[0]) =>
    ({ type: "text", text: toolPhrase(kind, asked, question.bot.locale) }) as const
  const call = await decideCall(scope, confirm)
  if (!call || !confirm.isApproved) {
    yield say(call ? "declined" : "lapsed")
    yield { ...end, mode: "none", spend: null }
    return
  }
  // The visitor's leaving does not undo what has begun: the tool's own clock ends it.
  const result = await runTool(scope, scope.visitor.botId, call, new AbortController().signal)
  const outcome = `The visitor approved the action ${call.name}. It ${result.isOk ? "succeeded" : "failed"}. Say briefly what came of it, in the language of the talk, from this alone:`
  const prompt = buildPrompt({
    ...question,
    passages: [],
    hasTools: true,
    question: `${outcome}\n${frameResult(call.name, result.text)}`,
  })
  const model = signal.aborted ? null : await findModelFor(scope)
  const reservation =
    model && mayCallModel(Date.now(), model.ownerId)
      ? await reserveSpend(scope, limits, worstCaseCost(model, prompt), {
          isOwnModel: model.ownerId !== undefined,
        })
      : null
  if (model && reservation) {
    let hasText = false
    for await (const event of streamModel(model, prompt, signal)) {
      if (event.type === "text") {
        hasText ||= event.text.trim() !== ""
        yield event
        continue
      }
      if (!hasText) yield say(result.isOk ? "done" : "failed")
      const spend = { usage: event.usage, reservation }
      yield { ...end, mode: "model", isFailed: hasText && event.error !== null, spend }
      return
    }
  }
  yield say(result.isOk ? "done" : "failed")
  yield { ...end, mode: "none", spend: null }
}
