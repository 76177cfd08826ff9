"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { Notice } from "#components/ui/notice.tsx"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { ToolTrial, ToolView } from "#lib/tools/schema.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import type { ToolActions } from "./tool-actions.ts"
import { readTrialValues, TrialFields } from "./tool-values.tsx"
import { useCommand } from "./use-command.ts"

type TrialDialogProps = { tool: ToolView; tryTool: ToolActions["tryTool"]; onClose: () => void }

/** Calls a tool with the owner's own values, and shows what the bot would get. */
export function TrialDialog({ tool, tryTool, onClose }: TrialDialogProps) {
  const [trial, setTrial] = useState<ToolTrial | null>(null)
  const command = useCommand(tryTool, { onDone: setTrial })
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setTrial(null)
    const values = readTrialValues(tool.parameters, new FormData(event.currentTarget))
    void command.run({ toolId: tool.id, values })
  }
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => (isOpen ? null : onClose())}
      title={`Try ${tool.name}`}
      width="wide"
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        {tool.isWrite ? (
          <Notice tone="waiting" icon="alert">
            This tool changes something, and it does so now: use values that do no harm.
          </Notice>
        ) : null}
        <ProblemNotice problem={command.problem} />
        <TrialFields parameters={tool.parameters} />
        <Button
          type="submit"
          look="action"
          className="self-start"
          isBusy={command.isRunning}
          busyLabel="Calling…"
        >
          Call it now
        </Button>
        <div role="status">
          {trial ? (
            <div className="flex flex-col gap-2">
              <p className="font-medium">{trial.isOk ? "It answered" : "It did not work"}</p>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
              <pre tabIndex={0} className={answerClasses} dir="auto">
                {trial.text}
              </pre>
              <p className="text-13 text-quiet">
                This is what the bot reads. It takes it as information, never as an order.
              </p>
            </div>
          ) : null}
        </div>
      </form>
    </Dialog>
  )
}

const answerClasses =
  "max-h-72 overflow-auto rounded-control border border-hairline bg-sunken p-3 font-mono text-13 whitespace-pre-wrap wrap-anywhere"

type KeysDialogProps = {
  tool: ToolView
  keys: EmbedKeyView[]
  updateKey: ToolActions["updateKey"]
  onClose: () => void
}

/** On which tags a tool that changes something may run. */
export function KeysDialog({ tool, keys, updateKey, onClose }: KeysDialogProps) {
  const command = useCommand(updateKey)
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const wanted = new Set(new FormData(event.currentTarget).getAll("key").map(String))
    for (const key of keys) {
      const isAllowed = key.tools.includes(tool.id)
      if (isAllowed === wanted.has(key.id)) continue
      const others = key.tools.filter((id) => id !== tool.id)
      const tools = isAllowed ? others : [...others, tool.id]
      if (!(await command.run({ keyId: key.id, tools })).ok) return
    }
    onClose()
  }
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => (isOpen ? null : onClose())}
      title={`Where may ${tool.name} run?`}
      description="Anyone can copy the line of a tag. On the tags you choose, a visitor sees the values and says yes before anything happens."
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <ProblemNotice problem={command.problem} />
        {keys.length === 0 ? (
          <p className="text-14">This bot has no tag yet. Make one under Embed first.</p>
        ) : (
          <ul className="flex flex-col gap-2">
            {keys.map((key) => (
              <li key={key.id}>
                <label className="flex items-center gap-3 rounded-control border border-hairline px-3 py-2.5">
                  <input
                    type="checkbox"
                    name="key"
                    value={key.id}
                    defaultChecked={key.tools.includes(tool.id)}
                    className="size-4 accent-action"
                  />
                  <span className="min-w-0 flex-1 wrap-anywhere">{key.name}</span>
                  <span className="font-mono text-13 text-quiet">…{key.key.slice(-4)}</span>
                </label>
              </li>
            ))}
          </ul>
        )}
        <Button
          type="submit"
          look="action"
          className="self-end"
          isBusy={command.isRunning}
          busyLabel="Saving…"
        >
          Save
        </Button>
      </form>
    </Dialog>
  )
}
