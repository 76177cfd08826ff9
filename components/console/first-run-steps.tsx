"use client"

import { Button, ButtonLink } from "#components/ui/button.tsx"
import { TextField } from "#components/ui/field.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { SourceView } from "#lib/knowledge/schema.ts"
import { AddSource, type AddSourceActions } from "./add-source.tsx"
import type { CreateKey, UpdateBot, UpdateKey } from "./bot-actions.ts"
import { useCan, useConsole } from "./console-context.tsx"
import { formatSite } from "./format.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { PublishNotice } from "./publish-notice.tsx"
import { routes } from "./routes.ts"
import { Snippet } from "./snippet.tsx"
import { useCommand } from "./use-command.ts"
import { useUploads } from "./use-uploads.ts"
import { WebsiteForm } from "./website-form.tsx"

type NameStepProps = { bot: BotView; update: UpdateBot; onDone: () => void }

export function NameStep({ bot, update, onDone }: NameStepProps) {
  const command = useCommand(update, { onDone })
  return (
    <form
      className="flex max-w-md flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        const name = String(new FormData(event.currentTarget).get("name"))
        void command.run({ botId: bot.id, name })
      }}
    >
      <ProblemNotice problem={command.problem} fields={["name"]} />
      <TextField
        label="Name"
        name="name"
        defaultValue={bot.name}
        maxLength={60}
        required
        error={command.issue("name")}
      />
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Saving…"
      >
        Use this name
      </Button>
    </form>
  )
}

type SourceStepProps = { botId: string; sources: SourceView[]; actions: AddSourceActions }

export function SourceStep({ botId, sources, actions }: SourceStepProps) {
  const { tenantId } = useConsole()
  const uploads = useUploads(botId)
  const failed = sources.find((source) => source.status === "failed")
  return (
    <div className="flex flex-col gap-4">
      <AddSource botId={botId} uploads={uploads} actions={actions} />
      {failed ? (
        <p className="text-13 text-danger">
          “{failed.title}” failed: {failed.error}
        </p>
      ) : null}
      {sources.length > 0 ? (
        <ButtonLink href={routes.knowledge(tenantId, botId)} size="small" className="self-start">
          See all sources
        </ButtonLink>
      ) : null}
    </div>
  )
}

type SiteStepProps = {
  bot: BotView
  keys: EmbedKeyView[]
  actions: { createKey: CreateKey; updateKey: UpdateKey }
  onDone: () => void
}

export function SiteStep({ bot, keys, actions, onDone }: SiteStepProps) {
  const canWrite = useCan("keys.write")
  const create = useCommand(actions.createKey, { onDone })
  const update = useCommand(actions.updateKey, { onDone })
  if (!canWrite) return <p className="text-quiet">An owner or admin of your team can do this.</p>
  return (
    <div className="flex max-w-md flex-col gap-3">
      <WebsiteForm
        isTest={null}
        isRunning={create.isRunning || update.isRunning}
        add={(address, needsTestTag) => {
          const mode = needsTestTag ? "test" : "live"
          const key = keys.find((one) => one.mode === mode)
          return key
            ? update.run({ keyId: key.id, allowedOrigins: [...key.allowedOrigins, address] })
            : create.run({ botId: bot.id, mode, allowedOrigins: [address] })
        }}
      />
      <p className="text-13 text-quiet">
        With and without www are two addresses: add both if visitors use both.
      </p>
    </div>
  )
}

type PasteStepProps = { bot: BotView; keys: EmbedKeyView[]; updateBot: UpdateBot }

export function PasteStep({ bot, keys, updateBot }: PasteStepProps) {
  const { tenantId } = useConsole()
  const key = keys.find((one) => one.allowedOrigins.length > 0)
  if (!key) return <p className="text-quiet">Allow your website first; the line comes with it.</p>
  return (
    <div className="flex flex-col gap-4">
      <PublishNotice bot={bot} updateBot={updateBot} />
      <p>
        Paste this line into your website, before <code className="font-mono">&lt;/body&gt;</code>.
        WordPress, Shopify and Wix have{" "}
        <a
          href={routes.embed(tenantId, bot.id)}
          className="font-medium text-action underline underline-offset-2"
        >
          a place for it
        </a>
        .
      </p>
      <Snippet embedKey={key.key} />
      {bot.published ? (
        <p role="status" className="flex items-center gap-2.5 text-quiet">
          <span aria-hidden="true" className="size-2 animate-breathe rounded-full bg-brass" />
          Waiting for the first visit on {key.allowedOrigins.map(formatSite).join(", ")}. Open your
          page and this screen will notice.
        </p>
      ) : null}
    </div>
  )
}
