"use client"

import { TextField } from "#components/ui/field.tsx"
import { Tabs } from "#components/ui/tabs.tsx"
import { TextAreaField } from "#components/ui/textarea.tsx"
import type { SourceView } from "#lib/knowledge/schema.ts"
import type { Command } from "./command.ts"
import { SourceForm } from "./source-form.tsx"
import { type AddPagesCommand, type AddSiteCommand, PagesForm, SiteForm } from "./source-web.tsx"
import { UploadArea } from "./upload-area.tsx"
import type { Uploads } from "./use-uploads.ts"

export type AddSourceActions = {
  addText: Command<{ botId: string; title: string; text: string }, SourceView>
  addQuestion: Command<{ botId: string; question: string; answer: string }, SourceView>
  /** Left out where there is no room for websites, such as the first steps. */
  addPages?: AddPagesCommand
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
          ...(actions.addPages
            ? [
                {
                  value: "page",
                  label: "Web pages",
                  content: <PagesForm botId={botId} add={actions.addPages} onAdded={onAdded} />,
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

const readingNow = "Added. It is being read now."

function TextForm({
  botId,
  add,
  onAdded,
}: FormProps<{ botId: string; title: string; text: string }>) {
  return (
    <SourceForm
      add={add}
      fields={["title", "text"]}
      read={(values) => ({
        botId,
        title: String(values.get("title")),
        text: String(values.get("text")),
      })}
      verb="Add text"
      doneMessage={readingNow}
      onDone={(source) => onAdded?.(source)}
    >
      {(issue) => (
        <>
          <TextField
            label="Title"
            name="title"
            required
            maxLength={200}
            hint="Shown to visitors under the answer, such as “Delivery times”."
            error={issue("title")}
          />
          <TextAreaField label="Text" name="text" rows={8} required error={issue("text")} />
        </>
      )}
    </SourceForm>
  )
}

function QuestionForm({
  botId,
  add,
  onAdded,
}: FormProps<{ botId: string; question: string; answer: string }>) {
  return (
    <SourceForm
      add={add}
      fields={["question", "answer"]}
      read={(values) => ({
        botId,
        question: String(values.get("question")),
        answer: String(values.get("answer")),
      })}
      verb="Add question"
      doneMessage={readingNow}
      onDone={(source) => onAdded?.(source)}
    >
      {(issue) => (
        <>
          <TextField
            label="Question"
            name="question"
            required
            maxLength={500}
            hint="As a visitor would ask it."
            error={issue("question")}
          />
          <TextAreaField label="Answer" name="answer" rows={4} required error={issue("answer")} />
        </>
      )}
    </SourceForm>
  )
}
