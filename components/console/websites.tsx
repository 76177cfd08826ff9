"use client"

import { useState } from "react"
import { Button, IconButton } from "#components/ui/button.tsx"
import { Icon } from "#components/ui/icon.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { EmbedKeyView, RefusalView, SiteView } from "#lib/keys/schema.ts"
import type { UpdateKey } from "./bot-actions.ts"
import type { Outcome } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { formatNumber, formatSite } from "./format.ts"
import { useCommand } from "./use-command.ts"
import { WebsiteForm } from "./website-form.tsx"

type WebsitesProps = {
  embedKey: EmbedKeyView
  sites: SiteView[]
  refusals: RefusalView[]
  update: UpdateKey
}

/** Where this tag opens, when it was last seen there, and who was turned away. */
export function Websites({ embedKey, sites, refusals, update }: WebsitesProps) {
  const canWrite = useCan("keys.write")
  const [doomed, setDoomed] = useState<string | null>(null)
  const add = useCommand(update, { doneMessage: "Allowed. It works on the next visit." })
  const remove = useCommand(update, {
    doneMessage: "Removed. Open chats there are ended.",
    onDone: () => setDoomed(null),
  })
  const { allowedOrigins } = embedKey
  const seenAt = new Map(sites.map((site) => [site.origin, site.lastSeenAt]))

  function allow(address: string): Promise<Outcome<unknown>> {
    return add.run({ keyId: embedKey.id, allowedOrigins: [...allowedOrigins, address] })
  }

  return (
    <div className="flex flex-col gap-3">
      <h3 className="font-medium">Allowed websites</h3>
      {allowedOrigins.length === 0 ? (
        <p className="text-quiet">None yet, so the chat shows nowhere. Allow your website below.</p>
      ) : (
        <ul className="flex flex-wrap gap-2">
          {allowedOrigins.map((address) => (
            <li
              key={address}
              className="flex min-h-9 max-w-full items-center gap-2 rounded-tag border border-hairline bg-paper ps-3 pe-1"
            >
              <span dir="ltr" className="min-w-0 wrap-anywhere py-1 font-medium">
                {formatSite(address)}
              </span>
              <span className="shrink-0 text-13 text-quiet">
                <Seen address={address} seenAt={seenAt} />
              </span>
              {canWrite ? (
                <IconButton
                  icon="close"
                  iconSize={16}
                  label={`Remove ${formatSite(address)}`}
                  onClick={() => setDoomed(address)}
                />
              ) : null}
            </li>
          ))}
        </ul>
      )}
      {canWrite ? (
        <WebsiteForm isTest={embedKey.mode === "test"} add={allow} isRunning={add.isRunning} />
      ) : null}
      <Refusals
        refusals={refusals}
        allowed={allowedOrigins}
        isTest={embedKey.mode === "test"}
        allow={canWrite ? allow : null}
      />
      <ConfirmDialog
        isOpen={doomed !== null}
        onOpenChange={(isOpen) => (isOpen ? null : setDoomed(null))}
        title={`Remove ${formatSite(doomed ?? "")}?`}
        verb="Remove website"
        busyVerb="Removing…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() =>
          void remove.run({
            keyId: embedKey.id,
            allowedOrigins: allowedOrigins.filter((other) => other !== doomed),
          })
        }
      >
        The chat disappears from this website and open chats there end within a second.
      </ConfirmDialog>
    </div>
  )
}

/** A wildcard is seen when any website below it was. */
function Seen({ address, seenAt }: { address: string; seenAt: Map<string, string | null> }) {
  const [scheme, host] = address.split("*")
  const at =
    host === undefined
      ? seenAt.get(address)
      : [...seenAt].find(
          ([origin]) => origin.startsWith(scheme ?? "") && origin.endsWith(host),
        )?.[1]
  return at ? (
    <>
      seen <RelativeTime at={at} />
    </>
  ) : (
    "not seen yet"
  )
}

type RefusalsProps = {
  refusals: RefusalView[]
  allowed: string[]
  isTest: boolean
  allow: ((address: string) => Promise<Outcome<unknown>>) | null
}

function Refusals({ refusals, allowed, isTest, allow }: RefusalsProps) {
  const byOrigin = new Map<string | null, { count: number; lastAt: string }>()
  for (const { origin, count, lastAt } of refusals) {
    if (origin !== null && allowed.includes(origin)) continue
    const known = byOrigin.get(origin)
    byOrigin.set(origin, {
      count: (known?.count ?? 0) + count,
      lastAt: known && known.lastAt > lastAt ? known.lastAt : lastAt,
    })
  }
  if (byOrigin.size === 0) return null
  return (
    <details className="group rounded-control border border-hairline" open={byOrigin.size <= 3}>
      <summary className="flex min-h-9 pointer-coarse:min-h-11 items-center gap-2 px-3 py-1.5 font-medium [&::-webkit-details-marker]:hidden">
        <Icon
          name="chevron"
          size={16}
          className="-rotate-90 text-quiet transition-transform group-open:rotate-0 rtl:rotate-90"
        />
        Turned away: {formatNumber(byOrigin.size, "website")} in 30 days
      </summary>
      <ul className="divide-y divide-hairline border-t border-hairline">
        {[...byOrigin].slice(0, 20).map(([origin, { count, lastAt }]) => (
          <li key={origin ?? ""} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2">
            <span className="min-w-0 flex-1 basis-40 wrap-anywhere">
              {origin === null ? "A page that hides its address" : formatSite(origin)}
            </span>
            <span className="text-13 text-quiet">
              {formatNumber(count, "try", "tries")}, last <RelativeTime at={lastAt} />
            </span>
            {allow && origin?.startsWith(isTest ? "http" : "https://") ? (
              <Button
                size="small"
                aria-label={`Allow ${formatSite(origin)}`}
                onClick={() => void allow(origin)}
              >
                Allow
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
    </details>
  )
}
