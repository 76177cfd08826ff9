"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { TextField } from "#components/ui/field.tsx"
import { SelectField } from "#components/ui/select.tsx"
import type { GoldenQuestionView } from "#lib/quality/schema.ts"
import type { Problem } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"

export type GoldenInput = {
  question: string
  expects: "answer" | "refusal"
  sourceId: string | null
  phrase: string | null
}

export type SourceOption = { id: string; title: string }

type GoldenFormProps = {
  sources: readonly SourceOption[]
  /** The question that is changed; none when one is added. */
  golden?: GoldenQuestionView
  problem: Problem | null
  isRunning: boolean
  verb: string
  onSubmit: (input: GoldenInput) => Promise<boolean>
}

const fields = ["question", "expects", "sourceId", "phrase"]

/** A question, and what a good answer to it is. */
export function GoldenForm(props: GoldenFormProps) {
  const { sources, golden, problem, isRunning, verb, onSubmit } = props
  const [expects, setExpects] = useState<"answer" | "refusal">(golden?.expects ?? "answer")
  const isGone = golden?.sourceId && !sources.some(({ id }) => id === golden.sourceId)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const values = new FormData(form)
    const isDone = await onSubmit({
      question: String(values.get("question")),
      expects,
      sourceId: String(values.get("sourceId") ?? "") || null,
      phrase: String(values.get("phrase") ?? "").trim() || null,
    })
    if (isDone && !golden) form.reset()
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ProblemNotice problem={problem} fields={fields} />
      <TextField
        label="Question"
        name="question"
        required
        maxLength={500}
        defaultValue={golden?.question ?? ""}
        hint="As a visitor would ask it."
        error={problem?.issues?.find((one) => one.path === "question")?.message}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label="A good bot"
          name="expects"
          value={expects}
          onChange={(event) => setExpects(event.target.value === "refusal" ? "refusal" : "answer")}
          options={[
            { value: "answer", label: "answers it" },
            { value: "refusal", label: "says that it doesn’t know" },
          ]}
        />
        {expects === "answer" ? (
          <SelectField
            label="From"
            name="sourceId"
            defaultValue={golden?.sourceId ?? ""}
            options={[
              { value: "", label: "any source" },
              ...(isGone ? [{ value: golden.sourceId!, label: "a source that is gone" }] : []),
              ...sources.map(({ id, title }) => ({ value: id, label: title })),
            ]}
          />
        ) : null}
      </div>
      {expects === "answer" ? (
        <TextField
          label="Words it must point to"
          name="phrase"
          maxLength={300}
          defaultValue={golden?.phrase ?? ""}
          hint="Optional, such as “30 days”. They must stand in the passage under the answer."
          error={problem?.issues?.find((one) => one.path === "phrase")?.message}
        />
      ) : null}
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={isRunning}
        busyLabel="Saving…"
      >
        {verb}
      </Button>
    </form>
  )
}
