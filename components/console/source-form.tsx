"use client"

import type { FormEvent, ReactNode } from "react"
import { Button } from "#components/ui/button.tsx"
import type { Command } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

type SourceFormProps<Input, Done> = {
  add: Command<Input, Done>
  /** What the form's fields say, as the command takes it. */
  read: (values: FormData) => Input
  /** Fields that show their own problem. */
  fields: readonly string[]
  verb: string
  doneMessage: string | ((done: Done) => string)
  onDone?: (done: Done) => void
  /** True while some of what was typed is still to be mended. */
  keeps?: (done: Done) => boolean
  /** The fields; `issue` is what is wrong with one of them. */
  children: (issue: (field: string) => string | undefined) => ReactNode
}

/** The frame of every form that adds a source: what was typed stays until it was taken. */
export function SourceForm<Input, Done>(props: SourceFormProps<Input, Done>) {
  const { add, read, fields, verb, doneMessage, onDone, keeps, children } = props
  const command = useCommand(add, { doneMessage })
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const outcome = await command.run(read(new FormData(form)))
    if (!outcome.ok) return
    if (!keeps?.(outcome.data)) form.reset()
    onDone?.(outcome.data)
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ProblemNotice problem={command.problem} fields={fields} />
      {children(command.issue)}
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Adding…"
      >
        {verb}
      </Button>
    </form>
  )
}
