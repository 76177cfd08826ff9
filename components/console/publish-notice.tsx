"use client"

import { Button } from "#components/ui/button.tsx"
import { Notice } from "#components/ui/notice.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { UpdateBot } from "./bot-actions.ts"
import { useCan } from "./console-context.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { useBotChange } from "./quality-gate.tsx"

/** A bot that is not published answers nobody, whatever its tags say. */
export function PublishNotice({ bot, updateBot }: { bot: BotView; updateBot: UpdateBot }) {
  const canWrite = useCan("bots.write")
  const command = useBotChange(updateBot, { doneMessage: "Published. Its tags work now." })
  if (bot.published) return null
  return (
    <div className="flex flex-col gap-3">
      <ProblemNotice problem={command.problem} />
      {command.dialog}
      <Notice
        tone="waiting"
        title="This bot isn’t published"
        action={
          canWrite ? (
            <Button
              look="action"
              isBusy={command.isRunning}
              busyLabel="Publishing…"
              onClick={() => void command.run({ botId: bot.id, published: true })}
            >
              Publish
            </Button>
          ) : null
        }
      >
        No website shows it until you publish. Visitors can then read anything in its sources.
      </Notice>
    </div>
  )
}
