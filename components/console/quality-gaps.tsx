"use client"

import Link from "next/link"
import { type FormEvent, useEffect, useId, useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { TextField } from "#components/ui/field.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { TextAreaField } from "#components/ui/textarea.tsx"
import type { AnswerGapInput, ClosedGapView, GapView } from "#lib/quality/schema.ts"
import type { Command } from "./command.ts"
import { useCan, useConsole } from "./console-context.tsx"
import { formatNumber } from "./format.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { routes } from "./routes.ts"
import { useCommand } from "./use-command.ts"

type GapActions = {
  answerGap: Command<{ botId: string } & AnswerGapInput, ClosedGapView>
  dismissGap: Command<{ botId: string; messageIds: string[] }, ClosedGapView>
  retestGaps: Command<{ botId: string }, number>
}

type GapInboxProps = {
  botId: string
  gaps: readonly GapView[]
  closed: readonly ClosedGapView[]
  actions: GapActions
}

/** What visitors asked and it could not answer; one answer closes a gap for all who ask next. */
export function GapInbox({ botId, gaps, closed, actions }: GapInboxProps) {
  const canWrite = useCan("knowledge.write")
  const isWaiting = closed.some(
    ({ outcome, isFixed }) => outcome === "answered" && isFixed === null,
  )
  useRetest(canWrite && isWaiting, botId, actions.retestGaps)
  return (
    <div className="flex flex-col gap-5">
      <Card isFlush>
        {gaps.length === 0 ? (
          <EmptyState title="No open gaps">
            Questions of the last 90 days that found no answer, or one that visitors disliked,
            appear here, the same ones together.
          </EmptyState>
        ) : (
          <ul aria-label="Gaps">
            {gaps.map((gap) => (
              <li
                key={gap.questions[0]!.messageId}
                className="border-b border-hairline px-5 py-4 last:border-b-0"
              >
                <Gap botId={botId} gap={gap} actions={actions} />
              </li>
            ))}
          </ul>
        )}
      </Card>
      {closed.length > 0 ? (
        <Card title="Closed" isFlush>
          <ClosedGaps botId={botId} closed={closed} />
        </Card>
      ) : null}
    </div>
  )
}

const retestMs = 2_000

/** An answer that is still being read is tried out as soon as it is known. */
function useRetest(isWaiting: boolean, botId: string, retestGaps: GapActions["retestGaps"]) {
  const { run } = useCommand(retestGaps)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `run` is new on every render
  useEffect(() => {
    if (!isWaiting) return
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void run({ botId })
    }, retestMs)
    return () => clearInterval(timer)
  }, [isWaiting, botId])
}

type GapProps = { botId: string; gap: GapView; actions: GapActions }

const shownQuestions = 5

function Gap({ botId, gap, actions }: GapProps) {
  const { tenantId } = useConsole()
  const canAnswer = useCan("knowledge.write")
  const [isOpen, setOpen] = useState(false)
  const formId = useId()
  const dismiss = useCommand(actions.dismissGap, {
    doneMessage: "Closed. It comes back when somebody asks again.",
    isProblemToasted: true,
  })
  const messageIds = gap.questions.map(({ messageId }) => messageId)
  return (
    <article aria-label={gap.question}>
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-60">
          <h2 dir="auto" className="text-16 font-semibold wrap-anywhere">
            {gap.question}
          </h2>
          <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-13 text-quiet">
            <span>
              Asked {gap.count === 1 ? "once" : `${gap.count} times`}, last{" "}
              <RelativeTime at={gap.lastAskedAt} />
            </span>
            {gap.unansweredCount > 0 ? (
              <Badge tone="waiting">
                {formatNumber(gap.unansweredCount, "unanswered", "unanswered")}
              </Badge>
            ) : null}
            {gap.thumbsDownCount > 0 ? (
              <Badge tone="bad">
                {formatNumber(gap.thumbsDownCount, "thumbs down", "thumbs down")}
              </Badge>
            ) : null}
          </p>
        </div>
        {canAnswer ? (
          <div className="flex gap-2">
            <Button
              size="small"
              isBusy={dismiss.isRunning}
              onClick={() => void dismiss.run({ botId, messageIds })}
              aria-label={`Close “${gap.question}” without an answer`}
            >
              Close
            </Button>
            <Button
              size="small"
              look={isOpen ? "plain" : "action"}
              aria-expanded={isOpen}
              aria-controls={formId}
              onClick={() => setOpen(!isOpen)}
            >
              {isOpen ? "Not now" : "Answer"}
            </Button>
          </div>
        ) : null}
      </div>
      <details className="mt-2">
        <summary className="inline-flex min-h-6 pointer-coarse:min-h-11 cursor-pointer items-center text-13 font-medium text-action">
          {formatNumber(gap.count, "conversation")}
        </summary>
        <ul className="mt-1 flex flex-col gap-1.5">
          {gap.questions.slice(0, shownQuestions).map((question) => (
            <li key={question.messageId} className="text-13">
              <Link
                href={`${routes.conversations(tenantId, botId)}/${question.conversationId}`}
                dir="auto"
                className="underline underline-offset-2 wrap-anywhere"
              >
                {question.text.slice(0, 200)}
              </Link>{" "}
              <RelativeTime at={question.askedAt} className="text-quiet" />
            </li>
          ))}
          {gap.count > shownQuestions ? (
            <li className="text-13 text-quiet">
              And {formatNumber(gap.count - shownQuestions, "more", "more")}.
            </li>
          ) : null}
        </ul>
      </details>
      <div id={formId}>
        {isOpen ? (
          <AnswerForm
            botId={botId}
            gap={gap}
            messageIds={messageIds}
            answerGap={actions.answerGap}
          />
        ) : null}
      </div>
    </article>
  )
}

type AnswerFormProps = {
  botId: string
  gap: GapView
  messageIds: string[]
  answerGap: GapActions["answerGap"]
}

const describeClosed = ({ isFixed }: ClosedGapView) =>
  isFixed === true
    ? "Answered. We asked again, and it knows now."
    : isFixed === false
      ? "Added, but asked again it still doesn’t use your answer. Try the visitors’ words."
      : "Added. It is being read now, and asked again after that."

function AnswerForm({ botId, gap, messageIds, answerGap }: AnswerFormProps) {
  const command = useCommand(answerGap, { doneMessage: describeClosed })
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const values = new FormData(event.currentTarget)
    const [question, answer] = [String(values.get("question")), String(values.get("answer"))]
    void command.run({ botId, messageIds, question, answer })
  }
  return (
    <form onSubmit={submit} className="mt-4 flex max-w-2xl flex-col gap-4">
      <ProblemNotice problem={command.problem} fields={["question", "answer"]} />
      <TextField
        label="Question"
        name="question"
        required
        maxLength={500}
        defaultValue={gap.question}
        error={command.issue("question")}
      />
      <TextAreaField
        label="Answer"
        name="answer"
        rows={4}
        required
        hint="It becomes a source and a golden question. Visitors can read it."
        error={command.issue("answer")}
      />
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Adding and asking again…"
      >
        Add the answer
      </Button>
    </form>
  )
}

function ClosedGaps({ botId, closed }: { botId: string; closed: readonly ClosedGapView[] }) {
  const { tenantId } = useConsole()
  return (
    <ul aria-label="Closed gaps">
      {closed.map((gap) => (
        <li
          key={gap.id}
          className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-hairline px-5 py-3 last:border-b-0"
        >
          <span dir="auto" className="min-w-0 flex-1 basis-48 wrap-anywhere">
            {gap.sourceId ? (
              <Link
                href={`${routes.knowledge(tenantId, botId)}?source=${gap.sourceId}`}
                className="underline underline-offset-2"
              >
                {gap.question}
              </Link>
            ) : (
              gap.question
            )}
          </span>
          <ClosedState gap={gap} />
          <RelativeTime at={gap.closedAt} className="text-13 text-quiet" />
        </li>
      ))}
    </ul>
  )
}

function ClosedState({ gap }: { gap: ClosedGapView }) {
  if (gap.outcome === "dismissed") return <Badge>Closed without an answer</Badge>
  if (gap.isFixed === true) return <Badge tone="good">It knows now</Badge>
  if (gap.isFixed === false) return <Badge tone="bad">Still not answered</Badge>
  return (
    <Badge tone="waiting" hasDot isBreathing>
      Being read
    </Badge>
  )
}
