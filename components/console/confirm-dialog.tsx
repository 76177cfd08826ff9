"use client"

import type { ReactNode } from "react"
import { Button } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import type { Problem } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"

type ConfirmDialogProps = {
  isOpen: boolean
  onOpenChange: (isOpen: boolean) => void
  /** Names the thing: "Delete “Returns.pdf”?" */
  title: string
  /** What stops working. */
  children: ReactNode
  verb: string
  busyVerb: string
  isRunning: boolean
  problem: Problem | null
  onConfirm: () => void
}

/** Asks before something is gone for good. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Dialog
      isOpen={props.isOpen}
      onOpenChange={props.onOpenChange}
      title={props.title}
      description={props.children}
      footer={
        <>
          <Button onClick={() => props.onOpenChange(false)}>Keep it</Button>
          <Button
            look="danger"
            isBusy={props.isRunning}
            busyLabel={props.busyVerb}
            onClick={props.onConfirm}
          >
            {props.verb}
          </Button>
        </>
      }
    >
      {props.problem ? <ProblemNotice problem={props.problem} /> : null}
    </Dialog>
  )
}
