"use client"

import { useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { useNotify } from "#components/ui/toast.tsx"
import type { BotView, UpdateBotInput } from "#lib/bots/schema.ts"
import type { Gated } from "#lib/quality/schema.ts"
import type { UpdateBot } from "./bot-actions.ts"
import { formatNumber } from "./format.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

type Held = {
  input: { botId: string } & UpdateBotInput
  gate: Extract<Gated<BotView>, { needsConfirmation: true }>
}

type Options = {
  doneMessage?: string
  onDone?: () => void
  isProblemToasted?: boolean
}

/**
 * Changes a bot. When that makes golden questions worse nothing is changed yet: `dialog` says which, and
 * goes ahead when told to.
 */
export function useBotChange(updateBot: UpdateBot, options: Options = {}) {
  const notify = useNotify()
  const [held, setHeld] = useState<Held | null>(null)
  const command = useCommand(updateBot, {
    isProblemToasted: options.isProblemToasted ?? false,
    onDone: (gate, { confirmedRunId: _, ...input }) => {
      if (gate.needsConfirmation) {
        setHeld({ input, gate })
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
      onConfirm={({ input, gate }) => void command.run({ ...input, confirmedRunId: gate.runId })}
    />
  )
  return { ...command, dialog }
}

type GateDialogProps = {
  held: Held | null
  isRunning: boolean
  problem: Parameters<typeof ProblemNotice>[0]["problem"]
  onClose: () => void
  onConfirm: (held: Held) => void
}

const shownQuestions = 6

function GateDialog({ held, isRunning, problem, onClose, onConfirm }: GateDialogProps) {
  const gate = held?.gate
  const verb = held?.input.published ? "Publish anyway" : "Save anyway"
  const rest = (gate?.worse.length ?? 0) - shownQuestions
  return (
    <Dialog
      isOpen={held !== null}
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose()
      }}
      title="This makes some answers worse"
      description={
        gate
          ? `${gate.passedNow} of ${formatNumber(gate.questionCount, "golden question")} pass with this change; ${gate.passedBefore} did before. Nothing has changed for your visitors yet.`
          : null
      }
      footer={
        <>
          <Button onClick={onClose}>Keep it as it is</Button>
          <Button
            look="danger"
            isBusy={isRunning}
            busyLabel="One moment…"
            onClick={() => held && onConfirm(held)}
          >
            {verb}
          </Button>
        </>
      }
    >
      <ProblemNotice problem={problem} />
      <ul className="flex flex-col gap-2">
        {gate?.worse.slice(0, shownQuestions).map(({ questionId, question, expects }) => (
          <li key={questionId} className="rounded-control bg-sunken px-3 py-2">
            <span dir="auto" className="block font-medium wrap-anywhere">
              {question}
            </span>
            <span className="text-13 text-quiet">
              {expects === "refusal"
                ? "Would be answered; it should not."
                : "Would not be answered rightly any more."}
            </span>
          </li>
        ))}
      </ul>
      {rest > 0 ? (
        <p className="mt-2 text-13 text-quiet">And {formatNumber(rest, "more", "more")}.</p>
      ) : null}
    </Dialog>
  )
}
