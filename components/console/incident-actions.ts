import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { UpdateKey } from "./bot-actions.ts"
import type { Command } from "./command.ts"

/** What an owner can do about an abused tag. */
export type IncidentActions = {
  updateKey: UpdateKey
  rotateKey: Command<{ keyId: string; overlapSeconds: number }, EmbedKeyView>
  endAllChats: Command<{ keyId: string }, { ended: number }>
  endChat: Command<{ sessionId: string }>
  setVisitorBlocked: Command<{ visitorId: string; isBlocked: boolean }>
  keepOut: Command<{ keyId: string; network: string }>
  letBackIn: Command<{ blockId: string }>
}
