"use client"

import { type FormEvent, type ReactNode, useRef, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { TextField } from "#components/ui/field.tsx"
import { type Outcome, offlineProblem, type Problem } from "./command.ts"
import { PasswordContext } from "./password-context.ts"
import { ProblemNotice } from "./problem-notice.tsx"

export type ConfirmPassword = (input: { password: string }) => Promise<Outcome<unknown>>

type PasswordGateProps = { confirmPassword: ConfirmPassword; email: string; children: ReactNode }

/** Asks for the password in between, when a command wants one that was given lately. */
export function PasswordGate({ confirmPassword, email, children }: PasswordGateProps) {
  const [isOpen, setOpen] = useState(false)
  const waiting = useRef<((isConfirmed: boolean) => void)[]>([])
  function ask(): Promise<boolean> {
    setOpen(true)
    return new Promise((resolve) => waiting.current.push(resolve))
  }
  function end(isConfirmed: boolean) {
    setOpen(false)
    for (const resolve of waiting.current.splice(0)) resolve(isConfirmed)
  }
  return (
    <PasswordContext value={ask}>
      {children}
      {isOpen ? (
        <PasswordDialog confirmPassword={confirmPassword} email={email} onEnd={end} />
      ) : null}
    </PasswordContext>
  )
}

type PasswordDialogProps = {
  confirmPassword: ConfirmPassword
  email: string
  onEnd: (isConfirmed: boolean) => void
}

function PasswordDialog({ confirmPassword, email, onEnd }: PasswordDialogProps) {
  const [isRunning, setRunning] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const password = String(new FormData(event.currentTarget).get("password"))
    setRunning(true)
    setProblem(null)
    const outcome = await confirmPassword({ password }).catch(
      (): Outcome<unknown> => ({ ok: false, problem: offlineProblem }),
    )
    setRunning(false)
    if (outcome.ok) onEnd(true)
    else setProblem(outcome.problem)
  }
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => (isOpen ? null : onEnd(false))}
      title="Is it still you?"
      description="Keys open a lot. You last gave your password more than an hour ago, so we ask once more; what you typed is kept."
    >
      <form onSubmit={submit} className="flex flex-col gap-4" noValidate>
        <ProblemNotice problem={problem} fields={["password"]} />
        {/* A password manager looks for whose password it is. */}
        <input type="email" name="email" autoComplete="username" value={email} readOnly hidden />
        <TextField
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          error={problem?.issues?.find((issue) => issue.path === "password")?.message}
        />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => onEnd(false)}>Not now</Button>
          <Button type="submit" look="action" isBusy={isRunning} busyLabel="Checking…">
            Go on
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
