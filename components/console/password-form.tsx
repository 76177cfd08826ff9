"use client"

import { signOut } from "next-auth/react"
import type { FormEvent } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { TextField } from "#components/ui/field.tsx"
import type { Outcome } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

type Passwords = { currentPassword: string; newPassword: string }
export type ChangePassword = (input: Passwords) => Promise<Outcome<unknown>>

/** A new password ends every session of this person, this one included. */
export function PasswordForm({ changePassword }: { changePassword: ChangePassword }) {
  const command = useCommand((_tenantId: string, input: Passwords) => changePassword(input), {
    onDone: () => void signOut({ callbackUrl: "/sign-in?reason=password" }),
  })
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const values = new FormData(event.currentTarget)
    void command.run({
      currentPassword: String(values.get("currentPassword")),
      newPassword: String(values.get("newPassword")),
    })
  }
  return (
    <Card title="Password" description="Changing it signs you out everywhere, on this device too.">
      <form onSubmit={submit} className="flex max-w-md flex-col gap-4">
        <ProblemNotice problem={command.problem} fields={["currentPassword", "newPassword"]} />
        <TextField
          label="Current password"
          name="currentPassword"
          type="password"
          autoComplete="current-password"
          required
          error={command.issue("currentPassword")}
        />
        <TextField
          label="New password"
          name="newPassword"
          type="password"
          autoComplete="new-password"
          minLength={10}
          required
          hint="At least 10 characters. A short sentence is fine."
          error={command.issue("newPassword")}
        />
        <Button
          type="submit"
          look="action"
          className="self-start"
          isBusy={command.isRunning}
          busyLabel="Changing…"
        >
          Change password
        </Button>
      </form>
    </Card>
  )
}
