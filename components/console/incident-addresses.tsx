"use client"

import { useRef } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { TextField } from "#components/ui/field.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { IncidentView } from "#lib/incidents/schema.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import { useCan } from "./console-context.tsx"
import { formatNumber } from "./format.ts"
import type { IncidentActions } from "./incident-actions.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

type Props = {
  embedKey: EmbedKeyView
  incident: IncidentView
  actions: Pick<IncidentActions, "keepOut" | "letBackIn">
}

/** Who opens the most chats. */
export function IncidentAddresses({ embedKey, incident, actions }: Props) {
  const canWrite = useCan("keys.write")
  const keepOut = useCommand(actions.keepOut, {
    doneMessage: (_, { network }) => `${network} is kept out. Its chats are ended.`,
    isProblemToasted: true,
  })
  return (
    <Card title="Addresses" description="The internet connections that opened the most chats.">
      {incident.addresses.length === 0 ? (
        <p className="text-quiet">No chat was opened in 24 hours.</p>
      ) : (
        <ul className="-my-2 divide-y divide-hairline">
          {incident.addresses.map(({ address, sessions, isBlocked }) => (
            <li key={address} className="flex min-h-12 items-center gap-3 py-2">
              <span dir="ltr" className="min-w-0 flex-1 text-start wrap-anywhere">
                {address}
              </span>
              <span className="shrink-0 text-13 text-quiet tabular-nums">
                {formatNumber(sessions, "chat")}
              </span>
              {isBlocked ? (
                <Badge tone="bad">Kept out</Badge>
              ) : canWrite ? (
                <Button
                  size="small"
                  aria-label={`Keep out ${address}`}
                  onClick={() => void keepOut.run({ keyId: embedKey.id, network: address })}
                >
                  Keep out
                </Button>
              ) : null}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

/** Who may not come in, and a field for more. */
export function KeptOut({ embedKey, incident, actions }: Props) {
  const canWrite = useCan("keys.write")
  const form = useRef<HTMLFormElement>(null)
  const add = useCommand(actions.keepOut, {
    doneMessage: (_, { network }) => `${network} is kept out. Its chats are ended.`,
    onDone: () => form.current?.reset(),
  })
  const remove = useCommand(actions.letBackIn, {
    doneMessage: "Let back in. It works on the next visit.",
    isProblemToasted: true,
  })
  return (
    <Card title="Kept out" description="Addresses that this tag never opens for.">
      <div className="flex flex-col gap-4">
        {incident.blockedNetworks.length === 0 ? (
          <p className="text-quiet">None yet.</p>
        ) : (
          <ul className="-my-2 divide-y divide-hairline">
            {incident.blockedNetworks.map(({ id, network, createdAt }) => (
              <li key={id} className="flex min-h-12 items-center gap-3 py-2">
                <span dir="ltr" className="min-w-0 flex-1 text-start wrap-anywhere">
                  {network}
                </span>
                <span className="shrink-0 text-13 text-quiet">
                  since <RelativeTime at={createdAt} />
                </span>
                {canWrite ? (
                  <Button
                    size="small"
                    aria-label={`Let ${network} back in`}
                    onClick={() => void remove.run({ blockId: id })}
                  >
                    Let back in
                  </Button>
                ) : null}
              </li>
            ))}
          </ul>
        )}
        {canWrite ? (
          <form
            ref={form}
            className="flex flex-col gap-3"
            onSubmit={(event) => {
              event.preventDefault()
              const network = String(new FormData(event.currentTarget).get("network")).trim()
              void add.run({ keyId: embedKey.id, network })
            }}
          >
            <ProblemNotice problem={add.problem} fields={["network"]} />
            <TextField
              label="Keep out an address or a range"
              name="network"
              required
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              placeholder="203.0.113.0/24"
              hint="“/24” at the end covers the 256 addresses around it."
              error={add.issue("network")}
            />
            <Button type="submit" className="self-start" isBusy={add.isRunning}>
              Keep out
            </Button>
          </form>
        ) : null}
      </div>
    </Card>
  )
}
