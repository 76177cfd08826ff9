"use client"

import { useRouter } from "next/navigation"
import { useState, useTransition } from "react"
import { useNotify } from "#components/ui/toast.tsx"
import { type Command, type Outcome, offlineProblem, type Problem } from "./command.ts"
import { useConsole } from "./console-context.tsx"
import { useAskPassword } from "./password-context.ts"

type Options<Input, Data> = {
  /** Said in a toast after success. */
  doneMessage?: string | ((data: Data, input: Input) => string)
  onDone?: (data: Data, input: Input) => void
  /** A switch has no place for an error of its own: say it in a toast. */
  isProblemToasted?: boolean
}

/**
 * Runs a server action for the current business, then re-reads the page. Keeps the problem, if any,
 * until the next run.
 */
export function useCommand<Input, Data>(
  command: Command<Input, Data>,
  options: Options<Input, Data> = {},
) {
  const { tenantId } = useConsole()
  const router = useRouter()
  const notify = useNotify()
  const askPassword = useAskPassword()
  const [isRunning, setRunning] = useState(false)
  const [isRefreshing, startRefresh] = useTransition()
  const [problem, setProblem] = useState<Problem | null>(null)

  async function run(input: Input): Promise<Outcome<Data>> {
    setRunning(true)
    setProblem(null)
    const attempt = () =>
      command(tenantId, input).catch((): Outcome<Data> => ({ ok: false, problem: offlineProblem }))
    let outcome = await attempt()
    const asksPassword = !outcome.ok && outcome.problem.code === "password_required"
    if (asksPassword && (await askPassword())) outcome = await attempt()
    setRunning(false)
    if (outcome.ok) {
      const { doneMessage } = options
      if (doneMessage) {
        notify(typeof doneMessage === "string" ? doneMessage : doneMessage(outcome.data, input))
      }
      options.onDone?.(outcome.data, input)
      startRefresh(() => router.refresh())
    } else {
      setProblem(outcome.problem)
      if (options.isProblemToasted) {
        notify(`${outcome.problem.title} ${outcome.problem.detail}`, "bad")
      }
    }
    return outcome
  }

  return {
    run,
    isRunning,
    isRefreshing,
    problem,
    clear: () => setProblem(null),
    issue: (path: string) => problem?.issues?.find((one) => one.path === path)?.message,
  }
}
