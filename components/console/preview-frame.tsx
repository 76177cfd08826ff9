"use client"

import type { BotView } from "#lib/bots/schema.ts"
import type { Command } from "./command.ts"
import { useConsole } from "./console-context.tsx"
import { type OwnTicket, WidgetFrame } from "./widget-frame.tsx"

export type CreatePreviewTicket = Command<{ botId: string }, OwnTicket>

type PreviewFrameProps = { bot: BotView; createTicket: CreatePreviewTicket; className?: string }

/** The bot as visitors get it, opened with a member's preview ticket. Starts anew when its look changes. */
export function PreviewFrame({ bot, createTicket, className }: PreviewFrameProps) {
  const { tenantId, widgetUrl } = useConsole()
  const { id, name, color, position, label, greeting, locale, updatedAt } = bot
  return (
    <WidgetFrame
      key={`${id}-${updatedAt}`}
      widgetUrl={widgetUrl}
      title={`Preview of ${name}`}
      createTicket={() => createTicket(tenantId, { botId: id })}
      look={{ enabled: true, name, color, position, label, greeting, locale }}
      className={className ?? ""}
    />
  )
}
