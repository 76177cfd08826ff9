"use client"

import { useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { useNotify } from "#components/ui/toast.tsx"
import type { BotView, UpdateBotInput } from "#lib/bots/schema.ts"
import type { Gated } from "#lib/quality/schema.ts"
import type { UpdateBot } from "./bot-actions.ts"
import type { Command } from "./command.ts"
import { formatNumber } from "./format.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"
import { WorseList } from "./worse-list.tsx"

type Stopped = Extract<Gated<unknown>, { needsConfirmation: true }>
type Held<Input> = { input: Input; gate: Stopped; verb: string }

type Options<Input> = {
  /** What going ahead is called: "Publish anyway". */
  verb: (input: Input) => string
  doneMessage?: string | undefined
  onDone?: (() => void) | undefined
  onHeld?: () => void
  isProblemToasted?: boolean | undefined
}

/**
 * Runs a command that may make golden questions worse. Where it does, nothing has happened yet: `dialog` says
 * which, and goes ahead when told to.
 */
export function useGatedCommand<Input extends object, Done>(
  gated: Command<Input & { confirmedRunId?: string }, Gated<Done>>,
  options: Options<Input>,
) {
  const notify = useNotify()
  const [held, setHeld] = useState<Held<Input> | null>(null)
  const command = useCommand(gated, {
    isProblemToasted: options.isProblemToasted ?? false,
    onDone: (gate, { confirmedRunId: _, ...input }) => {
      if (gate.needsConfirmation) {
        const asked = input as unknown as Input
        setHeld({ input: asked, gate, verb: options.verb(asked) })
        options.onHeld?.()
        return
      }
      setHeld(null)
      if (options.doneMessage) notify(options.doneMessage)
      options.onDone?.()
    },
  })
  const dialog = (
    <GateDialog
      held={held}
      isRunning={command.isRunning}
      problem={command.problem}
      onClose={() => setHeld(null)}
      onConfirm={() => held && void command.run({ ...held.input, confirmedRunId: held.gate.runId })}
    />
  )
  return { ...command, dialog }
}

/** Changes a bot: publishing it, or telling it to speak otherwise, may be asked about first. */
export function useBotChange(
  updateBot: UpdateBot,
  options: Pick<Options<object>, "doneMessage" | "onDone" | "isProblemToasted"> = {},
) {
  return useGatedCommand<{ botId: string } & UpdateBotInput, BotView>(updateBot, {
    ...options,
    verb: ({ published }) => (published ? "Publish anyway" : "Save anyway"),
  })
}

type GateDialogProps = {
  held: Pick<Held<unknown>, "gate" | "verb"> | null
  isRunning: boolean
  problem: Parameters<typeof ProblemNotice>[0]["problem"]
  onClose: () => void
  onConfirm: () => void
}

function GateDialog({ held, isRunning, problem, onClose, onConfirm }: GateDialogProps) {
  const gate = held?.gate
  return (
    <Dialog
      isOpen={held !== null}
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose()
      }}
      title="This makes some answers worse"
      description={
        gate
          ? `Of ${formatNumber(gate.questionCount, "golden question")}, ${gate.passedBefore} passed so far and ${gate.passedNow} would with this change. Nothing has changed for your visitors yet.`
          : null
      }
      footer={
        <>
          <Button onClick={onClose}>Keep it as it is</Button>
          <Button look="danger" isBusy={isRunning} busyLabel="One moment…" onClick={onConfirm}>
            {held?.verb}
          </Button>
        </>
      }
    >
      <ProblemNotice problem={problem} />
      <WorseList questions={gate?.worse ?? []} />
    </Dialog>
  )
}
