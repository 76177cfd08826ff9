import type { ReactNode } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Switch } from "#components/ui/switch.tsx"
import { KeyTag } from "#components/ui/tag.tsx"
import type { EmbedKeyView } from "#lib/keys/schema.ts"

type SwitchTagProps = {
  embedKey: EmbedKeyView
  isDisabled: boolean
  onSwitch: (isOn: boolean) => void
  children?: ReactNode
}

/** An embed key as the tag it is, when it was last used, and its switch. */
export function SwitchTag({ embedKey, isDisabled, onSwitch, children }: SwitchTagProps) {
  const isOn = embedKey.status === "active"
  return (
    <KeyTag
      lastFour={embedKey.key.slice(-4)}
      name={embedKey.name}
      isOn={isOn}
      note={isOn ? <LastSeen at={embedKey.lastSeenAt} /> : "Off: no website shows the chat"}
    >
      {embedKey.mode === "test" ? <Badge tone="plain">Test</Badge> : null}
      <span className="flex items-center gap-2">
        <span className="text-13 font-medium">{isOn ? "On" : "Off"}</span>
        <Switch
          checked={isOn}
          disabled={isDisabled}
          aria-label={`Tag ${embedKey.name} is on`}
          onCheckedChange={onSwitch}
        />
      </span>
      {children}
    </KeyTag>
  )
}

function LastSeen({ at }: { at: string | null }) {
  if (!at) return "Not seen on any website yet"
  return (
    <>
      Last used <RelativeTime at={at} />
    </>
  )
}
