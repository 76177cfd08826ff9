"use client"

import { Badge } from "#components/ui/badge.tsx"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import type { GoldenQuestionView, TrialPassage, TrialView } from "#lib/quality/schema.ts"
import type { Command } from "./command.ts"
import { useCan } from "./console-context.tsx"
import { useCommand } from "./use-command.ts"

export type SaveGolden = Command<
  { botId: string; question: string; expects: "answer" | "refusal"; sourceId: string | null },
  GoldenQuestionView
>

type TrialResultProps = { botId: string; trial: TrialView | null; saveGolden: SaveGolden }

/** The answer, the passages it was made from with their scores, and what the model was told. */
export function TrialResult({ botId, trial, saveGolden }: TrialResultProps) {
  return (
    <section aria-labelledby="answer" className="flex flex-col gap-4">
      <h2 id="answer" className="text-16 font-semibold">
        Answer and sources
      </h2>
      <div role="status" className="sr-only">
        {trial ? (trial.isAnswered ? "Answered." : "No answer found.") : ""}
      </div>
      {trial === null ? (
        <Card isFlush>
          <EmptyState title="Find out why it answers as it does" number="?">
            Ask something to see the answer, the passages behind it, and what your sources lack.
          </EmptyState>
        </Card>
      ) : (
        <>
          <Card>
            <p className="mb-2 flex flex-wrap items-center gap-2 text-13 text-quiet">
              {trial.isAnswered ? (
                <Badge tone="good">Answered</Badge>
              ) : (
                <Badge tone="waiting">No answer found</Badge>
              )}
              <span>
                {trial.mode === "model"
                  ? "Written by the model"
                  : trial.mode === "quotes"
                    ? "Quoted from your sources"
                    : "Nothing fitted well enough"}
              </span>
            </p>
            <p dir="auto" className="whitespace-pre-wrap wrap-anywhere">
              {trial.answer}
            </p>
            <SaveButton botId={botId} trial={trial} saveGolden={saveGolden} />
          </Card>
          {trial.passages.length > 0 ? (
            <>
              <h3 className="font-semibold">Passages it found</h3>
              <ol className="flex flex-col gap-3">
                {trial.passages.map((passage, index) => (
                  <li key={passage.chunkId}>
                    <FoundPassage
                      passage={passage}
                      number={index + 1}
                      isCited={trial.cited.includes(index + 1)}
                    />
                  </li>
                ))}
              </ol>
            </>
          ) : (
            <p className="text-quiet">Nothing in your sources fits this question.</p>
          )}
          {trial.prompt === null ? null : (
            <details className="rounded-card border border-hairline bg-card px-5 py-3">
              <summary className="min-h-6 pointer-coarse:min-h-11 cursor-pointer font-medium">
                What the model is told
              </summary>
              <p dir="auto" className="mt-3 font-mono text-13 whitespace-pre-wrap wrap-anywhere">
                {trial.prompt}
              </p>
            </details>
          )}
        </>
      )}
    </section>
  )
}

function FoundPassage({
  passage,
  number,
  isCited,
}: {
  passage: TrialPassage
  number: number
  isCited: boolean
}) {
  const place = [passage.heading, passage.page === null ? null : `page ${passage.page}`]
  return (
    <Card>
      <p className="mb-2 flex flex-wrap items-center gap-2">
        <Badge tone={isCited ? "good" : "plain"}>{number}</Badge>
        <span className="min-w-0 font-medium wrap-anywhere">{passage.title}</span>
        <span className="text-13 text-quiet">{place.filter(Boolean).join(", ")}</span>
        <span className="ms-auto text-13 text-quiet tabular-nums">
          {isCited ? "cited · " : ""}
          score {passage.score.toFixed(2)}
        </span>
      </p>
      <p dir="auto" className="line-clamp-6 text-quiet whitespace-pre-wrap wrap-anywhere">
        {passage.text}
      </p>
    </Card>
  )
}

function SaveButton({ botId, trial, saveGolden }: TrialResultProps & { trial: TrialView }) {
  const canWrite = useCan("knowledge.write")
  const command = useCommand(saveGolden, {
    doneMessage: "Saved. It is asked before you publish.",
    isProblemToasted: true,
  })
  if (!canWrite) return null
  const cited = trial.passages.find((_, index) => trial.cited.includes(index + 1))
  const save = (expects: "answer" | "refusal", sourceId: string | null) =>
    void command.run({ botId, question: trial.question, expects, sourceId })
  return (
    <div className="mt-4 flex flex-wrap items-center gap-2 border-t border-hairline pt-4">
      <Button
        size="small"
        icon="check"
        isBusy={command.isRunning}
        onClick={() => save(trial.isAnswered ? "answer" : "refusal", cited?.sourceId ?? null)}
      >
        Save as golden question
      </Button>
      <span className="text-13 text-quiet">
        {trial.isAnswered
          ? `Expects ${cited ? `“${cited.title}”` : "an answer"} from now on.`
          : "Expects “I don’t know” from now on."}
      </span>
    </div>
  )
}
