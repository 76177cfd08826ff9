import type { BotView, UpdateBotInput } from "#lib/bots/schema.ts"
import type { EmbedKeyView, UpdateEmbedKeyInput } from "#lib/keys/schema.ts"
import type { Gated } from "#lib/quality/schema.ts"
import type { Command } from "./command.ts"

/** Asks first when the change makes golden questions worse. */
export type UpdateBot = Command<
  { botId: string; confirmedRunId?: string } & UpdateBotInput,
  Gated<BotView>
>

export type CreateKey = Command<
  { botId: string; name?: string; mode: "live" | "test"; allowedOrigins: string[] },
  EmbedKeyView
>
export type UpdateKey = Command<{ keyId: string } & UpdateEmbedKeyInput, EmbedKeyView>
export type KeyActions = { updateKey: UpdateKey; deleteKey: Command<{ keyId: string }> }
