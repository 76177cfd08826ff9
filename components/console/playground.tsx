"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Notice } from "#components/ui/notice.tsx"
import { TextAreaField } from "#components/ui/textarea.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { TrialView, TryQuestionInput } from "#lib/quality/schema.ts"
import type { Command } from "./command.ts"
import { useCan } from "./console-context.tsx"
import { type SaveGolden, TrialResult } from "./playground-trial.tsx"
import { type CreatePreviewTicket, PreviewFrame } from "./preview-frame.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

type PlaygroundProps = {
  bot: BotView
  hasModel: boolean
  actions: {
    createPreviewTicket: CreatePreviewTicket
    tryQuestion: Command<{ botId: string } & TryQuestionInput, TrialView>
    saveGolden: SaveGolden
  }
}

/** What would it say, and from where? The question at the start, the answer with its sources at the end. */
export function Playground({ bot, hasModel, actions }: PlaygroundProps) {
  const canUseModel = useCan("knowledge.write") && hasModel
  const command = useCommand(actions.tryQuestion)
  const [trial, setTrial] = useState<TrialView | null>(null)
  const [draft, setDraft] = useState<string | null>(null)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const values = new FormData(event.currentTarget)
    const question = String(values.get("question")).trim()
    if (!question) return
    const outcome = await command.run({
      botId: bot.id,
      question,
      useModel: values.get("useModel") === "on",
      ...(draft === null ? {} : { instructions: draft }),
    })
    if (outcome.ok) setTrial(outcome.data)
  }

  return (
    <div className="grid items-start gap-x-6 gap-y-8 lg:grid-cols-2">
      <div className="flex flex-col gap-8">
        <section aria-labelledby="ask">
          <h2 id="ask" className="text-16 font-semibold">
            Ask it
          </h2>
          <p className="mb-3 text-13 text-quiet">
            Only you see this. Nothing is stored, and your visitors’ figures stay as they are.
          </p>
          <form onSubmit={submit} className="flex flex-col gap-4">
            <ProblemNotice problem={command.problem} fields={["question"]} />
            <TextAreaField
              label="Question"
              name="question"
              rows={2}
              required
              maxLength={500}
              placeholder="Can I return an opened box?"
              error={command.issue("question")}
              onKeyDown={(event) => {
                if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return
                event.preventDefault()
                event.currentTarget.form?.requestSubmit()
              }}
            />
            {canUseModel ? (
              <>
                <label className="flex min-h-6 pointer-coarse:min-h-11 items-center gap-2">
                  <input
                    type="checkbox"
                    name="useModel"
                    defaultChecked
                    className="size-4 accent-action"
                  />
                  Let the model write the answer (costs what an answer costs)
                </label>
                {draft === null ? (
                  <Button
                    look="quiet"
                    className="self-start"
                    onClick={() => setDraft(bot.instructions)}
                  >
                    Try other instructions
                  </Button>
                ) : (
                  <>
                    <TextAreaField
                      label="Draft of the instructions"
                      name="instructions"
                      rows={5}
                      maxLength={4000}
                      value={draft}
                      onChange={(event) => setDraft(event.target.value)}
                      hint="For this question alone. Save them in Settings when they are right."
                    />
                    <Button look="quiet" className="self-start" onClick={() => setDraft(null)}>
                      Back to the saved ones
                    </Button>
                  </>
                )}
              </>
            ) : null}
            <Button
              type="submit"
              look="action"
              className="self-start"
              isBusy={command.isRunning}
              busyLabel="Asking…"
            >
              Ask
            </Button>
          </form>
          {hasModel ? null : (
            <div className="mt-4">
              <Notice>No model is set up: it answers by quoting your sources.</Notice>
            </div>
          )}
        </section>
        <section aria-labelledby="preview">
          <h2 id="preview" className="mb-3 text-16 font-semibold">
            As visitors see it
          </h2>
          <PreviewFrame
            bot={bot}
            createTicket={actions.createPreviewTicket}
            className="h-[min(560px,calc(100dvh-14rem))] min-h-96"
          />
        </section>
      </div>
      <TrialResult botId={bot.id} trial={trial} saveGolden={actions.saveGolden} />
    </div>
  )
}
