"use client"

import { useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Notice } from "#components/ui/notice.tsx"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { formatNumber } from "./format.ts"
import type { IncidentActions } from "./incident-actions.ts"
import type { IncidentFacts } from "./incident-facts.ts"
import { RotateDialog } from "./rotate-dialog.tsx"
import { Snippet } from "./snippet.tsx"
import { SwitchTag } from "./switch-tag.tsx"
import { useCommand } from "./use-command.ts"

type IncidentSwitchProps = { facts: IncidentFacts; actions: IncidentActions }

/** The tag with its switch, and the three acts that end an abuse at once. */
export function IncidentSwitch({ facts: { embedKey }, actions }: IncidentSwitchProps) {
  const canWrite = useCan("keys.write")
  const [asked, setAsked] = useState<"off" | "rotate" | "end" | null>(null)
  const [isReplaced, setReplaced] = useState(false)
  const close = () => setAsked(null)
  const toggle = useCommand(actions.updateKey, { isProblemToasted: true, onDone: close })
  const rotate = useCommand(actions.rotateKey, {
    onDone: () => {
      close()
      setReplaced(true)
    },
  })
  const end = useCommand(actions.endAllChats, {
    doneMessage: ({ ended }) => `${formatNumber(ended, "chat")} ended.`,
    onDone: close,
  })
  const isOn = embedKey.status === "active"
  const name = `“${embedKey.name}”`
  return (
    <section aria-label="Stop it" className="flex flex-col gap-4">
      <div className="grid items-center gap-4 rounded-card border border-hairline bg-card p-4 lg:grid-cols-[minmax(0,1fr)_auto]">
        <SwitchTag
          embedKey={embedKey}
          isDisabled={!canWrite || toggle.isRunning}
          onSwitch={(checked) => {
            if (checked) void toggle.run({ keyId: embedKey.id, status: "active" })
            else setAsked("off")
          }}
        />
        {canWrite ? (
          <div className="flex flex-wrap gap-2">
            <Button look="danger" disabled={!isOn} onClick={() => setAsked("off")}>
              Switch off
            </Button>
            <Button icon="retry" onClick={() => setAsked("rotate")}>
              Replace the line now
            </Button>
            <Button onClick={() => setAsked("end")}>Cut everyone off</Button>
          </div>
        ) : (
          <p className="text-13 text-quiet">An owner or admin of your team can stop it.</p>
        )}
      </div>
      {isReplaced ? (
        <Notice tone="good" title="Replaced. This is the new line:">
          <div className="mt-2 flex flex-col gap-2">
            <Snippet embedKey={embedKey.key} />
            <p>Paste it into your pages in place of the old one.</p>
          </div>
        </Notice>
      ) : null}
      <ConfirmDialog
        isOpen={asked === "off"}
        onOpenChange={(isOpen) => (isOpen ? null : close())}
        title={`Switch off ${name}?`}
        verb="Switch off"
        busyVerb="Switching off…"
        isRunning={toggle.isRunning}
        problem={toggle.problem}
        onConfirm={() => void toggle.run({ keyId: embedKey.id, status: "disabled" })}
      >
        The chat disappears from every website with this tag, yours included. Open chats stop within
        a second. You can switch it on again.
      </ConfirmDialog>
      {asked === "rotate" ? (
        <RotateDialog
          title={`Replace the line of ${name}?`}
          label="The old line"
          verb="Replace the line"
          isRunning={rotate.isRunning}
          problem={rotate.problem}
          onClose={close}
          onConfirm={(overlapSeconds) => void rotate.run({ keyId: embedKey.id, overlapSeconds })}
        >
          You get a new line to paste. Pages with the old one, and copies of it, lose the chat as
          soon as it stops working. Limits and websites stay as they are.
        </RotateDialog>
      ) : null}
      <ConfirmDialog
        isOpen={asked === "end"}
        onOpenChange={(isOpen) => (isOpen ? null : close())}
        title={`Cut everyone off from ${name}?`}
        verb="Cut everyone off"
        busyVerb="Cutting off…"
        isRunning={end.isRunning}
        problem={end.problem}
        onConfirm={() => void end.run({ keyId: embedKey.id })}
      >
        Every open chat with this tag ends, answers being written included. Whoever may come in can
        start again, so switch off or replace the line as well if it is stolen.
      </ConfirmDialog>
    </section>
  )
}
