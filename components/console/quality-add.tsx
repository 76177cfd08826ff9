"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Notice } from "#components/ui/notice.tsx"
import { Tabs } from "#components/ui/tabs.tsx"
import { TextAreaField } from "#components/ui/textarea.tsx"
import type { ImportOutcome } from "#lib/quality/schema.ts"
import { formatNumber } from "./format.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { GoldenForm, type SourceOption } from "./quality-form.tsx"
import type { GoldenActions } from "./quality-golden.tsx"
import { useCommand } from "./use-command.ts"

type AddGoldenProps = {
  botId: string
  sources: readonly SourceOption[]
  actions: GoldenActions
}

/** The three ways in: one question, a list, or what the documents suggest. */
export function AddGolden({ botId, sources, actions }: AddGoldenProps) {
  const create = useCommand(actions.createGolden, { doneMessage: "Added." })
  return (
    <Tabs
      label="How to add golden questions"
      tabs={[
        {
          value: "write",
          label: "Write one",
          content: (
            <GoldenForm
              sources={sources}
              verb="Add question"
              problem={create.problem}
              isRunning={create.isRunning}
              onSubmit={async (input) => (await create.run({ botId, ...input })).ok}
            />
          ),
        },
        {
          value: "import",
          label: "Paste a list",
          content: <ImportForm botId={botId} importGolden={actions.importGolden} />,
        },
        {
          value: "draft",
          label: "From your documents",
          content: <DraftForm botId={botId} draftGolden={actions.draftGolden} />,
        },
      ]}
    />
  )
}

const describeAdded = ({ added }: ImportOutcome) =>
  added === 0 ? "Nothing new was found." : `${formatNumber(added, "question")} added.`

function ImportForm({
  botId,
  importGolden,
}: {
  botId: string
  importGolden: GoldenActions["importGolden"]
}) {
  const [skipped, setSkipped] = useState<ImportOutcome["skipped"]>([])
  const command = useCommand(importGolden, {
    doneMessage: describeAdded,
    onDone: (outcome) => setSkipped(outcome.skipped),
  })
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const text = String(new FormData(form).get("text"))
    const outcome = await command.run({ botId, text })
    if (outcome.ok && outcome.data.skipped.length === 0) form.reset()
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ProblemNotice problem={command.problem} fields={["text"]} />
      <TextAreaField
        label="Questions"
        name="text"
        rows={6}
        required
        hint="One a line. Or a table saved as CSV whose first line names its columns: question, source, phrase, expects (“refuse”)."
        error={command.issue("text")}
      />
      {skipped.length > 0 ? (
        <Notice tone="waiting" title={`${formatNumber(skipped.length, "line")} left out`}>
          <ul>
            {skipped.slice(0, 8).map(({ line, reason }) => (
              <li key={line}>
                Line {line}: {reason}
              </li>
            ))}
          </ul>
        </Notice>
      ) : null}
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Adding…"
      >
        Add questions
      </Button>
    </form>
  )
}

function DraftForm({
  botId,
  draftGolden,
}: {
  botId: string
  draftGolden: GoldenActions["draftGolden"]
}) {
  const command = useCommand(draftGolden, { doneMessage: describeAdded })
  return (
    <div className="flex flex-col gap-4">
      <ProblemNotice problem={command.problem} />
      <p className="max-w-prose text-quiet">
        Headings and questions in your sources become up to twelve golden questions, each expecting
        its source. Change or delete what doesn’t sound like your visitors.
      </p>
      <Button
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Reading…"
        onClick={() => void command.run({ botId })}
      >
        Suggest questions
      </Button>
    </div>
  )
}
