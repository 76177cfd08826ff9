"use client"

import { signIn } from "next-auth/react"
import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { TextField } from "#components/ui/field.tsx"
import { Notice } from "#components/ui/notice.tsx"

type Problem = { title: string; detail: string; issues?: { path: string; message: string }[] }
type SignUp = (input: {
  name: string
  email: string
  password: string
}) => Promise<
  { ok: true; data: { tenantId: string; botId: string } } | { ok: false; problem: Problem }
>

const offline: Problem = {
  title: "We couldn’t reach the server.",
  detail: "Check your connection and try again. Nothing was lost.",
}

export function SignUpForm({ signUp }: { signUp: SignUp }) {
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const issue = (path: string) => problem?.issues?.find((one) => one.path === path)?.message

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const email = String(form.get("email"))
    const password = String(form.get("password"))
    setBusy(true)
    setProblem(null)
    try {
      const outcome = await signUp({ name: String(form.get("name")), email, password })
      if (!outcome.ok) {
        setProblem(outcome.problem)
        setBusy(false)
        return
      }
      const answer = await signIn("credentials", { email, password, redirect: false })
      window.location.assign(
        answer?.ok && !answer.error
          ? `/console/${outcome.data.tenantId}/bots/${outcome.data.botId}`
          : "/sign-in",
      )
    } catch {
      setProblem(offline)
      setBusy(false)
    }
  }

  const hasIssues = (problem?.issues?.length ?? 0) > 0
  return (
    <form onSubmit={submit} className="mt-5 flex flex-col gap-4">
      {problem && !hasIssues ? (
        <Notice tone="bad" title={problem.title}>
          {problem.detail}
        </Notice>
      ) : null}
      <TextField
        label="Business name"
        name="name"
        autoComplete="organization"
        maxLength={80}
        required
        error={issue("name")}
      />
      <TextField
        label="E-mail"
        name="email"
        type="email"
        autoComplete="username"
        required
        error={issue("email")}
      />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete="new-password"
        minLength={10}
        required
        hint="At least 10 characters. A short sentence is fine."
        error={issue("password")}
      />
      <Button type="submit" look="action" isBusy={isBusy} busyLabel="Creating…">
        Create account
      </Button>
    </form>
  )
}
