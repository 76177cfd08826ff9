"use client"

import { useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { Notice } from "#components/ui/notice.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type {
  CreateGoldenInput,
  GoldenQuestionView,
  ImportOutcome,
  Quality,
  RunWithResults,
  UpdateGoldenInput,
} from "#lib/quality/schema.ts"
import type { Command } from "./command.ts"
import { useCan } from "./console-context.tsx"
import { FigureRow } from "./figure-row.tsx"
import { formatNumber } from "./format.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { AddGolden } from "./quality-add.tsx"
import { RunHistory } from "./quality-chart.tsx"
import type { SourceOption } from "./quality-form.tsx"
import { GoldenTable } from "./quality-table.tsx"
import { useCommand } from "./use-command.ts"

export type GoldenActions = {
  createGolden: Command<{ botId: string } & CreateGoldenInput, GoldenQuestionView>
  updateGolden: Command<{ questionId: string } & UpdateGoldenInput, GoldenQuestionView>
  deleteGolden: Command<{ questionId: string }>
  importGolden: Command<{ botId: string; text: string }, ImportOutcome>
  draftGolden: Command<{ botId: string }, ImportOutcome>
  runGolden: Command<{ botId: string; mode: "quotes" | "model" }, RunWithResults>
}

type GoldenBoardProps = {
  botId: string
  quality: Quality
  sources: readonly SourceOption[]
  actions: GoldenActions
}

/** Does it answer what it should, and only that? Questions with known answers, and how they fared. */
export function GoldenBoard({ botId, quality, sources, actions }: GoldenBoardProps) {
  const canWrite = useCan("knowledge.write")
  const [isAdding, setAdding] = useState(false)
  const { questions, runs, last, hasModel, isStale } = quality
  const run = useCommand(actions.runGolden, {
    doneMessage: ({ passedCount, questionCount }) =>
      `${passedCount} of ${formatNumber(questionCount, "golden question")} passed.`,
  })
  const isEmpty = questions.length === 0
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-prose text-quiet">
          Questions with known answers. They are asked before you publish: when a change makes one
          worse, you are asked first.
        </p>
        {canWrite && !isEmpty ? (
          <div className="flex flex-wrap gap-2">
            <Button
              icon={isAdding ? "close" : "plus"}
              aria-expanded={isAdding}
              onClick={() => setAdding(!isAdding)}
            >
              {isAdding ? "Close" : "Add questions"}
            </Button>
            {hasModel ? (
              <Button
                isBusy={run.isRunning}
                onClick={() => void run.run({ botId, mode: "model" })}
                title="Costs what that many answers cost"
              >
                Run with the model
              </Button>
            ) : null}
            <Button
              look="action"
              icon="play"
              isBusy={run.isRunning}
              busyLabel="Asking…"
              onClick={() => void run.run({ botId, mode: "quotes" })}
            >
              Run now
            </Button>
          </div>
        ) : null}
      </div>
      <ProblemNotice problem={run.problem} />
      {isStale ? (
        <Notice tone="waiting" title="Its knowledge changed since the last run">
          Run the questions again to see whether the answers still hold.
        </Notice>
      ) : null}
      {canWrite && (isAdding || isEmpty) ? (
        <Card title="Add golden questions">
          <AddGolden botId={botId} sources={sources} actions={actions} />
        </Card>
      ) : null}
      {last ? <FigureRow figures={toFigures(last)} /> : null}
      <Card isFlush>
        {isEmpty ? (
          <EmptyState title="No golden questions yet">
            Write the five questions your visitors ask most, or let your documents suggest some.
          </EmptyState>
        ) : (
          <GoldenTable
            questions={questions}
            results={last?.results ?? []}
            sources={sources}
            actions={actions}
          />
        )}
      </Card>
      {runs.length > 0 ? (
        <Card title="Runs">
          <RunHistory runs={runs} />
        </Card>
      ) : null}
    </div>
  )
}

function toFigures(last: RunWithResults) {
  const of = (count: number, all: number) => (all === 0 ? "–" : `${count} of ${all}`)
  const refusable = last.questionCount - last.answerableCount
  return [
    {
      label: "Passed",
      value: of(last.passedCount, last.questionCount),
      note: <RelativeTime at={last.createdAt} />,
    },
    {
      label: "Found",
      value: of(last.foundCount, last.answerableCount),
      note: "the passage was there",
    },
    {
      label: "Cited",
      value: of(last.citedCount, last.answerableCount),
      note: `${last.answeredCount} answered`,
    },
    {
      label: "Refused",
      value: of(last.refusedCount, refusable),
      note: "what it should not answer",
    },
  ]
}
