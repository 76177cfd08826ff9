import { openStream, Revoked } from "#lib/admission/open-streams.ts"
import { type AnswerEvent, answerQuestion } from "#lib/chat/answer.ts"
import { hideMarkers } from "#lib/chat/citations.ts"
import { answerConfirmation } from "#lib/chat/confirmed.ts"
import type { Citation, VisitorMessage } from "#lib/conversations/schema.ts"
import { type FinishedAnswer, finishTurn, type Turn } from "#lib/conversations/turn.ts"
import { showCitation } from "#lib/conversations/visible.ts"
import { errorTable } from "#lib/errors.ts"
import type { KeyLimits } from "#lib/limits/schema.ts"
import { log } from "#lib/log.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"

// The AI SDK's UI-message stream over server-sent events: known part types and data-* only, so that
// `useChat` can be a client (node_modules/ai: ui-message-stream).

type Part = { type: string; [field: string]: unknown }

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  // no-transform: gzip on server-sent events costs four times the memory and delays them.
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
  "x-vercel-ai-ui-message-stream": "v1",
}

/** Answers a begun turn as a stream, and finishes it whatever happens to the connection. */
export function chatStreamResponse(
  scope: VisitorScope,
  turn: Turn,
  {
    limits,
    signal: clientSignal,
    free,
    headers: more = {},
  }: {
    limits: KeyLimits
    signal: AbortSignal
    free: () => Promise<void>
    /** Beside the stream's own. */
    headers?: Record<string, string>
  },
): Response {
  const left = new AbortController()
  clientSignal.addEventListener("abort", () => left.abort(), { once: true })
  const body = new ReadableStream<Uint8Array>({
    async start(stream) {
      const encoder = new TextEncoder()
      let isDone = false
      const write = (part: Part | "[DONE]") => {
        if (left.signal.aborted || isDone) return
        isDone = part === "[DONE]"
        const data = part === "[DONE]" ? part : JSON.stringify(part)
        try {
          stream.enqueue(encoder.encode(`data: ${data}\n\n`))
        } catch {
          left.abort()
        }
      }
      try {
        await writeTurn(scope, turn, { limits, left: left.signal }, write)
      } finally {
        await free()
      }
      if (!left.signal.aborted) stream.close()
    },
    cancel() {
      left.abort()
    },
  })
  return new Response(body, { headers: { ...headers, ...more } })
}

type Write = (part: Part | "[DONE]") => void

async function writeTurn(
  scope: VisitorScope,
  turn: Turn,
  { limits, left }: { limits: KeyLimits; left: AbortSignal },
  write: Write,
) {
  write({ type: "start", messageId: turn.answerId })
  write({
    type: "data-conversation",
    data: { id: turn.conversationId, messageId: turn.userMessageId },
  })
  if (turn.finished) {
    writeFinished(turn.finished, write)
    return
  }
  const { signal: revoked, close } = openStream(scope.visitor.sessionId)
  const signal = AbortSignal.any([left, revoked])
  try {
    await writeAnswer(scope, turn, { limits, signal, revoked }, write)
  } catch (error) {
    log.error(
      { err: error, conversationId: turn.conversationId },
      "an answer could not be finished",
    )
    writeProblem("internal", write)
  } finally {
    close()
    write("[DONE]")
  }
}

/** The answer of a message that was retried after it had been answered: the same text, once. */
function writeFinished(answer: VisitorMessage, write: Write) {
  for (const citation of answer.citations) write({ type: "data-citation", data: citation })
  writeText(answer.text, write)
  write({
    type: "data-answer",
    data: {
      isAnswered: answer.isAnswered,
      mode: "stored",
      offerLead: !answer.isAnswered,
      isCapped: false,
    },
  })
  write({ type: "finish" })
  write("[DONE]")
}

function writeText(text: string, write: Write) {
  write({ type: "text-start", id: "answer" })
  write({ type: "text-delta", id: "answer", delta: text })
  write({ type: "text-end", id: "answer" })
}

async function writeAnswer(
  scope: VisitorScope,
  turn: Turn,
  { limits, signal, revoked }: { limits: KeyLimits; signal: AbortSignal; revoked: AbortSignal },
  write: Write,
) {
  const answer: FinishedAnswer = {
    text: "",
    status: "interrupted",
    mode: "none",
    isAnswered: true,
    citations: [],
    spend: null,
  }
  let isCapped = false
  try {
    write({ type: "text-start", id: "answer" })
    const { confirm } = turn
    const events = confirm
      ? answerConfirmation(scope, { ...turn, confirm }, { limits, signal })
      : answerQuestion(scope, turn, { limits, signal })
    const hidden = new Set<number>()
    for await (const event of events) {
      collect(answer, event)
      if (event.type === "end") isCapped = event.isCapped === true
      // After the switch is thrown not one more word leaves, even one that was already here.
      if (signal.aborted && event.type !== "end") continue
      if (event.type === "citation") {
        const shown = showCitation(event.citation)
        if (shown) write({ type: "data-citation", data: shown })
        else hidden.add(event.citation.number)
      }
      if (event.type === "text") {
        const delta = hideMarkers(event.text, hidden)
        if (delta) write({ type: "text-delta", id: "answer", delta })
      }
      if (event.type === "confirmation")
        write({ type: "data-tool-confirmation", data: event.confirmation })
    }
    write({ type: "text-end", id: "answer" })
    if (signal.aborted) answer.status = "interrupted"
  } catch (error) {
    answer.status = signal.aborted ? "interrupted" : "failed"
    if (!signal.aborted) throw error
  } finally {
    // Told before anything is stored: what cut the answer off may be that nothing can be stored any more.
    const isRevoked = revoked.aborted && revoked.reason instanceof Revoked
    if (isRevoked) {
      write({ type: "data-revoked", data: {} })
      write({ type: "abort" })
      // Nothing is written after it: whoever was cut off hears no more.
      write("[DONE]")
    }
    await finishTurn(scope, turn, answer)
    if (answer.status === "complete") {
      const { isAnswered, mode } = answer
      const offerLead = !isAnswered
      write({ type: "data-answer", data: { isAnswered, mode, offerLead, isCapped } })
      write({ type: "finish" })
    } else if (answer.status === "interrupted" && (!signal.aborted || revoked.aborted)) {
      // The provider failed half-way, or this process stops.
      writeProblem("unavailable", write)
    }
  }
}

function collect(answer: FinishedAnswer, event: AnswerEvent) {
  if (event.type === "text") answer.text += event.text
  else if (event.type === "citation") answer.citations.push(event.citation as Citation)
  else if (event.type === "end") {
    answer.mode = event.mode
    answer.isAnswered = event.isAnswered
    answer.spend = event.spend
    answer.status = event.isFailed ? "interrupted" : "complete"
  }
}

function writeProblem(code: "internal" | "unavailable", write: Write) {
  const [, title, detail] = errorTable[code]
  write({ type: "data-problem", data: { code, title, detail } })
  write({ type: "error", errorText: title })
}
