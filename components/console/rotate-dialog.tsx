"use client"

import type { ReactNode } from "react"
import { Button } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { SelectField } from "#components/ui/select.tsx"
import type { Problem } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"

const overlaps = [
  { value: "0", label: "Stops now" },
  { value: "3600", label: "Works for 1 more hour" },
  { value: "86400", label: "Works for 1 more day" },
  { value: "604800", label: "Works for 1 more week" },
]

type RotateDialogProps = {
  title: string
  /** What it means; under abuse and otherwise. */
  children: ReactNode
  /** "The old line", "The old key". */
  label: string
  verb: string
  isRunning: boolean
  problem: Problem | null
  onClose: () => void
  onConfirm: (overlapSeconds: number) => void
}

/** Replaces a secret by a new one; the owner picks how long the old one goes on working. */
export function RotateDialog(props: RotateDialogProps) {
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => (isOpen ? null : props.onClose())}
      title={props.title}
      description={props.children}
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          props.onConfirm(Number(new FormData(event.currentTarget).get("overlap")))
        }}
      >
        <ProblemNotice problem={props.problem} />
        <SelectField label={props.label} name="overlap" options={overlaps} defaultValue="0" />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={props.onClose}>Keep it</Button>
          <Button type="submit" look="danger" isBusy={props.isRunning} busyLabel="Replacing…">
            {props.verb}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
