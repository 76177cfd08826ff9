"use client"

import { useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { IconButton } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { Menu, MenuItem, MenuSeparator } from "#components/ui/menu.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { GoldenQuestionView, QuestionResult } from "#lib/quality/schema.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { GoldenForm, type SourceOption } from "./quality-form.tsx"
import type { GoldenActions } from "./quality-golden.tsx"
import { useCommand } from "./use-command.ts"

type GoldenTableProps = {
  questions: readonly GoldenQuestionView[]
  results: readonly QuestionResult[]
  sources: readonly SourceOption[]
  actions: GoldenActions
}

const provenances: Record<GoldenQuestionView["provenance"], string> = {
  written: "Written",
  imported: "Imported",
  playground: "From the playground",
  gap: "From a gap",
  drafted: "From your documents",
}

/** Each golden question with what became of it in the last run. */
export function GoldenTable({ questions, results, sources, actions }: GoldenTableProps) {
  const canWrite = useCan("knowledge.write")
  const [edited, setEdited] = useState<GoldenQuestionView | null>(null)
  const [doomed, setDoomed] = useState<GoldenQuestionView | null>(null)
  const update = useCommand(actions.updateGolden, { doneMessage: "Saved." })
  const remove = useCommand(actions.deleteGolden, {
    doneMessage: "Deleted.",
    onDone: () => setDoomed(null),
  })
  const byId = new Map(results.map((result) => [result.questionId, result]))
  return (
    <>
      <Table
        label="Golden questions"
        head={["Question", "Expects", "Last run", { label: "Actions", isHidden: true }]}
      >
        {questions.map((golden) => (
          <Row key={golden.id}>
            <Cell className="sm:min-w-40 max-sm:flex-1 max-sm:basis-[calc(100%-4rem)]">
              <p dir="auto" className="font-medium wrap-anywhere">
                {golden.question}
              </p>
              <p className="text-13 text-quiet">{provenances[golden.provenance]}</p>
            </Cell>
            <Cell className="text-quiet max-sm:order-1 max-sm:basis-full max-sm:text-13">
              <Expectation golden={golden} />
            </Cell>
            <Cell className="max-sm:order-1">
              <Outcome result={byId.get(golden.id)} />
            </Cell>
            <Cell className="text-end sm:w-px">
              {canWrite ? (
                <Menu
                  label={`Actions for ${golden.question}`}
                  trigger={<IconButton icon="more" label={`Actions for ${golden.question}`} />}
                >
                  <MenuItem icon="text" onSelect={() => setEdited(golden)}>
                    Change
                  </MenuItem>
                  <MenuSeparator />
                  <MenuItem icon="trash" isDanger onSelect={() => setDoomed(golden)}>
                    Delete
                  </MenuItem>
                </Menu>
              ) : null}
            </Cell>
          </Row>
        ))}
      </Table>
      <Dialog
        isOpen={edited !== null}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          setEdited(null)
          update.clear()
        }}
        title="Change the question"
        width="wide"
      >
        {edited ? (
          <GoldenForm
            key={edited.id}
            sources={sources}
            golden={edited}
            verb="Save"
            problem={update.problem}
            isRunning={update.isRunning}
            onSubmit={async (input) => {
              const { ok } = await update.run({ questionId: edited.id, ...input })
              if (ok) setEdited(null)
              return ok
            }}
          />
        ) : null}
      </Dialog>
      <ConfirmDialog
        isOpen={doomed !== null}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          setDoomed(null)
          remove.clear()
        }}
        title={`Delete “${doomed?.question ?? ""}”?`}
        verb="Delete question"
        busyVerb="Deleting…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() => doomed && void remove.run({ questionId: doomed.id })}
      >
        It is no longer asked before you publish. What your bot knows stays as it is.
      </ConfirmDialog>
    </>
  )
}

function Expectation({ golden }: { golden: GoldenQuestionView }) {
  if (golden.expects === "refusal") return "“I don’t know”"
  const from = golden.sourceId
    ? (golden.sourceTitle ?? "a source that is gone")
    : golden.phrase
      ? null
      : "an answer"
  return (
    <span className="wrap-anywhere">
      {from}
      {golden.phrase ? (
        <span className="block">
          with “<bdi>{golden.phrase}</bdi>”
        </span>
      ) : null}
    </span>
  )
}

function Outcome({ result }: { result: QuestionResult | undefined }) {
  if (!result) return <Badge>Not asked yet</Badge>
  if (result.isPassed) return <Badge tone="good">Passed</Badge>
  if (result.expects === "refusal") return <Badge tone="bad">Answered all the same</Badge>
  if (!result.isAnswered) return <Badge tone="bad">Not answered</Badge>
  if (result.isFound) return <Badge tone="bad">Found, not cited</Badge>
  return <Badge tone="bad">Not found</Badge>
}
