"use client"

import { signIn } from "next-auth/react"
import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { TextField } from "#components/ui/field.tsx"
import { Notice } from "#components/ui/notice.tsx"

const refused = "That e-mail and password don’t go together. Check both and try again."
const offline = "We couldn’t reach the server. Check your connection and try again."

export function SignInForm({ next }: { next: string }) {
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    setBusy(true)
    setProblem(null)
    try {
      const answer = await signIn("credentials", {
        email: form.get("email"),
        password: form.get("password"),
        redirect: false,
      })
      if (answer?.ok && !answer.error) {
        // A full load, so that nothing rendered for a signed-out visitor stays on the screen.
        window.location.assign(next)
        return
      }
      setProblem(
        answer?.error === "rate_limited"
          ? "Too many attempts. Wait a minute, then try again."
          : refused,
      )
    } catch {
      setProblem(offline)
    }
    setBusy(false)
  }

  return (
    <form onSubmit={submit} className="mt-5 flex flex-col gap-4">
      {problem ? <Notice tone="bad">{problem}</Notice> : null}
      <TextField label="E-mail" name="email" type="email" autoComplete="username" required />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        required
      />
      <Button type="submit" look="action" isBusy={isBusy} busyLabel="Signing in…">
        Sign in
      </Button>
    </form>
  )
}
