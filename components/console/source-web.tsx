"use client"

import type { FormEvent } from "react"
import { Button } from "#components/ui/button.tsx"
import { TextField } from "#components/ui/field.tsx"
import { SelectField } from "#components/ui/select.tsx"
import type { CrawlView, SourceView } from "#lib/knowledge/schema.ts"
import type { Command } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

export type Schedule = CrawlView["schedule"]
export type AddPageCommand = Command<{ botId: string; url: string }, SourceView>
export type AddSiteCommand = Command<{ botId: string; url: string; schedule: Schedule }, CrawlView>

export const schedules = [
  { value: "never", label: "Only now" },
  { value: "weekly", label: "Every week" },
  { value: "daily", label: "Every day" },
] as const

type PageFormProps = {
  botId: string
  add: AddPageCommand
  onAdded: ((source: SourceView) => void) | undefined
}

/** One web page by its address. */
export function PageForm({ botId, add, onAdded }: PageFormProps) {
  const command = useCommand(add, { doneMessage: "Added. The page is being read now." })
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const url = String(new FormData(form).get("url"))
    const outcome = await command.run({ botId, url })
    if (!outcome.ok) return
    form.reset()
    onAdded?.(outcome.data)
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ProblemNotice problem={command.problem} fields={["url"]} />
      <TextField
        label="Address of the page"
        name="url"
        required
        maxLength={2000}
        inputMode="url"
        placeholder="https://www.example.com/help"
        dir="ltr"
        hint="A page that everyone can see. Only its text is read, without menus and footers."
        error={command.issue("url")}
      />
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Adding…"
      >
        Read this page
      </Button>
    </form>
  )
}

/** A whole website: its own pages, from one address on. */
export function SiteForm({ botId, add }: { botId: string; add: AddSiteCommand }) {
  const command = useCommand(add, { doneMessage: "Added. The website is being read now." })
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const values = new FormData(form)
    const outcome = await command.run({
      botId,
      url: String(values.get("url")),
      schedule: String(values.get("schedule")) as Schedule,
    })
    if (outcome.ok) form.reset()
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ProblemNotice problem={command.problem} fields={["url"]} />
      <TextField
        label="Address of the website"
        name="url"
        required
        maxLength={2000}
        inputMode="url"
        placeholder="https://www.example.com"
        dir="ltr"
        hint="Your own website. Up to 200 of its pages are read; links to other websites are not followed."
        error={command.issue("url")}
      />
      <SelectField
        label="Read it again"
        name="schedule"
        options={schedules}
        hint="Only pages that changed are learned anew."
      />
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Adding…"
      >
        Read this website
      </Button>
    </form>
  )
}
