"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { TextField } from "#components/ui/field.tsx"
import { SelectField } from "#components/ui/select.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { EmbedKeyView, RefusalView, SiteView } from "#lib/keys/schema.ts"
import type { CreateKey, KeyActions, UpdateBot } from "./bot-actions.ts"
import { useCan } from "./console-context.tsx"
import { EmbedGuides } from "./embed-guides.tsx"
import { KeyCard } from "./key-card.tsx"
import { type CreatePreviewTicket, PreviewFrame } from "./preview-frame.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { PublishNotice } from "./publish-notice.tsx"
import { useCommand } from "./use-command.ts"

export type KeyEntry = { key: EmbedKeyView; sites: SiteView[]; refusals: RefusalView[] }

type EmbedBoardProps = {
  bot: BotView
  entries: KeyEntry[]
  actions: KeyActions & {
    createKey: CreateKey
    updateBot: UpdateBot
    createPreviewTicket: CreatePreviewTicket
  }
}

/** Which tag is on which website, and the switch to stop it; the real widget beside it. */
export function EmbedBoard({ bot, entries, actions }: EmbedBoardProps) {
  const canWrite = useCan("keys.write")
  const [isCreating, setCreating] = useState(false)
  const sorted = [...entries].sort(
    (a, b) => Number(b.key.status === "active") - Number(a.key.status === "active"),
  )
  return (
    <div className="grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_25rem]">
      <div className="flex min-w-0 flex-col gap-5">
        <PublishNotice bot={bot} updateBot={actions.updateBot} />
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h2 className="text-16 font-semibold">Tags</h2>
          {canWrite && entries.length > 0 ? (
            <Button icon="plus" onClick={() => setCreating(true)}>
              New tag
            </Button>
          ) : null}
        </div>
        {entries.length === 0 ? (
          <Card>
            <EmptyState
              title="No tag yet"
              action={
                canWrite ? (
                  <Button look="action" onClick={() => setCreating(true)}>
                    Make the first tag
                  </Button>
                ) : null
              }
            >
              A tag goes into your page and opens this bot there, and nowhere else.
            </EmptyState>
          </Card>
        ) : (
          sorted.map(({ key, sites, refusals }) => (
            <KeyCard
              key={key.id}
              botId={bot.id}
              embedKey={key}
              sites={sites}
              refusals={refusals}
              actions={actions}
            />
          ))
        )}
        <EmbedGuides />
      </div>
      <section aria-label="Preview" className="xl:sticky xl:top-8">
        <div className="mb-2">
          <h2 className="flex min-h-9 items-center text-16 font-semibold">Preview</h2>
          <p className="text-13 text-quiet">The real thing, as visitors get it. Try a question.</p>
        </div>
        <PreviewFrame
          bot={bot}
          createTicket={actions.createPreviewTicket}
          className="h-[min(640px,calc(100dvh-8rem))]"
        />
      </section>
      {isCreating ? (
        <NewTagDialog
          botId={bot.id}
          createKey={actions.createKey}
          onClose={() => setCreating(false)}
        />
      ) : null}
    </div>
  )
}

type NewTagDialogProps = { botId: string; createKey: CreateKey; onClose: () => void }

function NewTagDialog({ botId, createKey, onClose }: NewTagDialogProps) {
  const command = useCommand(createKey, {
    doneMessage: "The tag is ready. Allow a website for it.",
    onDone: onClose,
  })
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const values = new FormData(event.currentTarget)
    const name = String(values.get("name")).trim()
    void command.run({
      botId,
      mode: values.get("mode") === "test" ? "test" : "live",
      allowedOrigins: [],
      ...(name ? { name } : {}),
    })
  }
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => (isOpen ? null : onClose())}
      title="New tag"
      description="One tag for each website keeps them apart: each has its own switch and limits."
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <ProblemNotice problem={command.problem} fields={["name"]} />
        <TextField
          label="Name"
          name="name"
          maxLength={60}
          hint="Only you see it, such as “Main shop”."
          error={command.issue("name")}
        />
        <SelectField
          label="For"
          name="mode"
          options={[
            { value: "live", label: "A live website (https)" },
            { value: "test", label: "Testing on your own computer" },
          ]}
          hint="Test tags also open on localhost, have low limits and say “test” in the chat."
        />
        <Button type="submit" look="action" className="self-end" isBusy={command.isRunning}>
          Make tag
        </Button>
      </form>
    </Dialog>
  )
}
