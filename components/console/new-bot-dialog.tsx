"use client"

import { usePathname, useRouter, useSearchParams } from "next/navigation"
import { Button } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { TextField } from "#components/ui/field.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { Command } from "./command.ts"
import { useConsole } from "./console-context.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { routes } from "./routes.ts"
import { useCommand } from "./use-command.ts"

export type CreateBot = Command<{ name: string }, BotView>

/** Open while the address says `?new=bot`, so it can be linked to from anywhere. */
export function NewBotDialog({ createBot }: { createBot: CreateBot }) {
  const { tenantId } = useConsole()
  const router = useRouter()
  const pathname = usePathname()
  const isOpen = useSearchParams().get("new") === "bot"
  const command = useCommand(createBot, {
    onDone: (bot) => router.push(routes.bot(tenantId, bot.id)),
  })
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (next) return
        command.clear()
        router.replace(pathname, { scroll: false })
      }}
      title="New bot"
      description="One bot for each business or language works best: it answers from its own sources only."
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          void command.run({ name: String(new FormData(event.currentTarget).get("name")) })
        }}
      >
        <ProblemNotice problem={command.problem} fields={["name"]} />
        <TextField
          label="Name"
          name="name"
          maxLength={60}
          required
          autoComplete="off"
          hint="Visitors see it at the top of the chat."
          error={command.issue("name")}
        />
        <Button
          type="submit"
          look="action"
          className="self-end"
          isBusy={command.isRunning}
          busyLabel="Creating…"
        >
          Create bot
        </Button>
      </form>
    </Dialog>
  )
}
