"use client"

import type { FormEvent } from "react"
import { Button } from "#components/ui/button.tsx"
import { TextField } from "#components/ui/field.tsx"
import { Tabs } from "#components/ui/tabs.tsx"
import { TextAreaField } from "#components/ui/textarea.tsx"
import type { SourceView } from "#lib/knowledge/schema.ts"
import type { Command } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { type AddPageCommand, type AddSiteCommand, PageForm, SiteForm } from "./source-web.tsx"
import { UploadArea } from "./upload-area.tsx"
import { useCommand } from "./use-command.ts"
import type { Uploads } from "./use-uploads.ts"

export type AddSourceActions = {
  addText: Command<{ botId: string; title: string; text: string }, SourceView>
  addQuestion: Command<{ botId: string; question: string; answer: string }, SourceView>
  /** Left out where there is no room for websites, such as the first steps. */
  addPage?: AddPageCommand
  addSite?: AddSiteCommand
}

type AddSourceProps = {
  botId: string
  uploads: Uploads
  actions: AddSourceActions
  onAdded?: (source: SourceView) => void
}

/** The ways in: files, web pages, pasted text, one question with its answer. */
export function AddSource({ botId, uploads, actions, onAdded }: AddSourceProps) {
  return (
    <>
      <Tabs
        label="How to add a source"
        tabs={[
          { value: "file", label: "Files", content: <UploadArea uploads={uploads} /> },
          ...(actions.addPage
            ? [
                {
                  value: "page",
                  label: "Web page",
                  content: <PageForm botId={botId} add={actions.addPage} onAdded={onAdded} />,
                },
              ]
            : []),
          ...(actions.addSite
            ? [
                {
                  value: "site",
                  label: "Whole website",
                  content: <SiteForm botId={botId} add={actions.addSite} />,
                },
              ]
            : []),
          {
            value: "text",
            label: "Text",
            content: <TextForm botId={botId} add={actions.addText} onAdded={onAdded} />,
          },
          {
            value: "question",
            label: "Question and answer",
            content: <QuestionForm botId={botId} add={actions.addQuestion} onAdded={onAdded} />,
          },
        ]}
      />
      <p className="mt-4 text-13 text-quiet">
        Visitors can read anything in a published bot. Add only what you would show them.
      </p>
    </>
  )
}

type FormProps<Input> = {
  botId: string
  add: Command<Input, SourceView>
  onAdded: ((source: SourceView) => void) | undefined
}

function TextForm({
  botId,
  add,
  onAdded,
}: FormProps<{ botId: string; title: string; text: string }>) {
  const command = useCommand(add, { doneMessage: "Added. It is being read now." })
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const values = new FormData(form)
    const outcome = await command.run({
      botId,
      title: String(values.get("title")),
      text: String(values.get("text")),
    })
    if (!outcome.ok) return
    form.reset()
    onAdded?.(outcome.data)
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ProblemNotice problem={command.problem} fields={["title", "text"]} />
      <TextField
        label="Title"
        name="title"
        required
        maxLength={200}
        hint="Shown to visitors under the answer, such as “Delivery times”."
        error={command.issue("title")}
      />
      <TextAreaField label="Text" name="text" rows={8} required error={command.issue("text")} />
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Adding…"
      >
        Add text
      </Button>
    </form>
  )
}

function QuestionForm({
  botId,
  add,
  onAdded,
}: FormProps<{ botId: string; question: string; answer: string }>) {
  const command = useCommand(add, { doneMessage: "Added. It is being read now." })
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const values = new FormData(form)
    const outcome = await command.run({
      botId,
      question: String(values.get("question")),
      answer: String(values.get("answer")),
    })
    if (!outcome.ok) return
    form.reset()
    onAdded?.(outcome.data)
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ProblemNotice problem={command.problem} fields={["question", "answer"]} />
      <TextField
        label="Question"
        name="question"
        required
        maxLength={500}
        hint="As a visitor would ask it."
        error={command.issue("question")}
      />
      <TextAreaField
        label="Answer"
        name="answer"
        rows={4}
        required
        error={command.issue("answer")}
      />
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Adding…"
      >
        Add question
      </Button>
    </form>
  )
}
