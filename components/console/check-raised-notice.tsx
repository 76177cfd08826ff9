"use client"

import { Button } from "#components/ui/button.tsx"
import { Notice } from "#components/ui/notice.tsx"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { UpdateKey } from "./bot-actions.ts"
import { useCan } from "./console-context.tsx"
import { useCommand } from "./use-command.ts"

type CheckRaisedNoticeProps = { embedKey: EmbedKeyView; update: UpdateKey }

/** The bot check rose by itself: why, until when, and the way back. */
export function CheckRaisedNotice({ embedKey, update }: CheckRaisedNoticeProps) {
  const canWrite = useCan("keys.write")
  const command = useCommand(update, { doneMessage: "Lowered.", isProblemToasted: true })
  const { id: keyId, botCheck, botCheckRaisedUntil } = embedKey
  if (!botCheckRaisedUntil) return null
  return (
    <Notice
      tone="waiting"
      title="The bot check rose by itself"
      action={
        canWrite ? (
          <Button isBusy={command.isRunning} onClick={() => void command.run({ keyId, botCheck })}>
            Lower it again
          </Button>
        ) : null
      }
    >
      Half of today’s limit went in an unusual hour. Until midnight UTC every visitor’s browser does
      a moment’s work before the chat opens; nobody has to solve anything.
    </Notice>
  )
}
