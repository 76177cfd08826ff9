"use client"

import { useRouter } from "next/navigation"
import { useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { Switch } from "#components/ui/switch.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { UpdateBot } from "./bot-actions.ts"
import type { Command } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan, useConsole } from "./console-context.tsx"
import { LookForm } from "./look-form.tsx"
import { useBotChange } from "./quality-gate.tsx"
import { routes } from "./routes.ts"
import { useCommand } from "./use-command.ts"

type BotSettingsProps = {
  bot: BotView
  actions: { updateBot: UpdateBot; deleteBot: Command<{ botId: string }> }
}

/** How the bot looks and speaks, whether it is published, and its end. */
export function BotSettings({ bot, actions }: BotSettingsProps) {
  return (
    <div className="flex max-w-3xl flex-col gap-6">
      <PublishCard bot={bot} updateBot={actions.updateBot} />
      <LookForm bot={bot} updateBot={actions.updateBot} />
      <DeleteCard bot={bot} deleteBot={actions.deleteBot} />
    </div>
  )
}

function PublishCard({ bot, updateBot }: { bot: BotView; updateBot: UpdateBot }) {
  const canWrite = useCan("bots.write")
  const [isAsking, setAsking] = useState(false)
  const command = useBotChange(updateBot, {
    isProblemToasted: true,
    onDone: () => setAsking(false),
  })
  return (
    <Card>
      <div className="flex items-center justify-between gap-4">
        <div>
          <h2 className="text-16 font-semibold">Published</h2>
          <p className="text-quiet">
            {bot.published
              ? "Its tags work. Visitors can read anything in its sources."
              : "No website shows it. You can still try it in the preview."}
          </p>
        </div>
        <Switch
          checked={bot.published}
          disabled={!canWrite || command.isRunning}
          aria-label={`${bot.name} is published`}
          onCheckedChange={(checked) => {
            if (checked) void command.run({ botId: bot.id, published: true })
            else setAsking(true)
          }}
        />
      </div>
      {command.dialog}
      <ConfirmDialog
        isOpen={isAsking}
        onOpenChange={setAsking}
        title={`Take “${bot.name}” offline?`}
        verb="Take offline"
        busyVerb="Taking offline…"
        isRunning={command.isRunning}
        problem={command.problem}
        onConfirm={() => void command.run({ botId: bot.id, published: false })}
      >
        The chat disappears from every website, and open chats end within a second. Nothing is
        deleted.
      </ConfirmDialog>
    </Card>
  )
}

function DeleteCard({ bot, deleteBot }: { bot: BotView; deleteBot: Command<{ botId: string }> }) {
  const { tenantId } = useConsole()
  const router = useRouter()
  const [isAsking, setAsking] = useState(false)
  const command = useCommand(deleteBot, {
    doneMessage: `“${bot.name}” is deleted.`,
    onDone: () => router.push(routes.home(tenantId)),
  })
  if (!useCan("bots.delete")) return null
  return (
    <Card
      title="Delete this bot"
      description="Its sources, tags, conversations and leads go with it."
    >
      <Button look="danger" onClick={() => setAsking(true)}>
        Delete {bot.name}
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        onOpenChange={setAsking}
        title={`Delete “${bot.name}”?`}
        verb="Delete for good"
        busyVerb="Deleting…"
        isRunning={command.isRunning}
        problem={command.problem}
        onConfirm={() => void command.run({ botId: bot.id })}
      >
        The chat disappears from every website at once. Its sources, tags, conversations and leads
        are deleted with it. This can’t be undone.
      </ConfirmDialog>
    </Card>
  )
}
