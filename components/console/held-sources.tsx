"use client"

import Link from "next/link"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import type { SourceView } from "#lib/knowledge/schema.ts"
import type { Command } from "./command.ts"
import { useCan } from "./console-context.tsx"
import { formatNumber } from "./format.ts"
import { useCommand } from "./use-command.ts"
import { WorseList } from "./worse-list.tsx"

export type HeldActions = {
  acceptSource: Command<{ sourceId: string }, void>
  discardSource: Command<{ sourceId: string }, void>
}

type HeldSourcesProps = {
  sources: readonly SourceView[]
  base: string
  actions: HeldActions
  onChanged: () => void
}

/** What was read and is not live, because golden questions would get worse: the owner decides. */
export function HeldSources({ sources, base, actions, onChanged }: HeldSourcesProps) {
  if (sources.length === 0) return null
  return (
    <Card
      title="Waiting for you"
      description="This was read, and golden questions that pass now would fail with it. Visitors get nothing of it until you decide."
      isFlush
    >
      <ul aria-label="Waiting for you" className="border-t border-hairline">
        {sources.map((source) => (
          <li key={source.id} className="border-b border-hairline px-5 py-4 last:border-b-0">
            <HeldSource source={source} base={base} actions={actions} onChanged={onChanged} />
          </li>
        ))}
      </ul>
    </Card>
  )
}

type HeldSourceProps = Omit<HeldSourcesProps, "sources"> & { source: SourceView }

function HeldSource({ source, base, actions, onChanged }: HeldSourceProps) {
  const canWrite = useCan("knowledge.write")
  const isReplacement = source.chunkCount > 0
  const accept = useCommand(actions.acceptSource, {
    isProblemToasted: true,
    doneMessage: "It is live. Later changes are compared with this.",
    onDone: onChanged,
  })
  const discard = useCommand(actions.discardSource, {
    isProblemToasted: true,
    doneMessage: isReplacement
      ? "Discarded. The earlier version stays in use."
      : "Discarded. The source is gone.",
    onDone: onChanged,
  })
  const questions = source.worse ?? []
  return (
    <div className="flex flex-col gap-3">
      <div>
        <Link
          href={`${base}?source=${source.id}`}
          scroll={false}
          className="font-medium wrap-anywhere hover:underline underline-offset-2"
        >
          {source.title}
        </Link>
        <p className="text-13 text-quiet">
          {formatNumber(questions.length, "question")} would get worse.{" "}
          {isReplacement ? "The earlier version answers meanwhile." : "It is a new source."}
        </p>
      </div>
      <WorseList questions={questions} />
      {canWrite ? (
        <div className="flex flex-wrap gap-2">
          <Button
            isBusy={accept.isRunning}
            busyLabel="Putting it live…"
            aria-label={`Put it live anyway: ${source.title}`}
            onClick={() => void accept.run({ sourceId: source.id })}
          >
            Put it live anyway
          </Button>
          <Button
            look="danger"
            isBusy={discard.isRunning}
            busyLabel="Discarding…"
            aria-label={`Discard: ${source.title}`}
            onClick={() => void discard.run({ sourceId: source.id })}
          >
            Discard
          </Button>
        </div>
      ) : null}
    </div>
  )
}
