"use client"

import { useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { Button, IconButton } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { TextField } from "#components/ui/field.tsx"
import { Icon } from "#components/ui/icon.tsx"
import { Menu, MenuItem, MenuSeparator } from "#components/ui/menu.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Switch } from "#components/ui/switch.tsx"
import { KeyTag } from "#components/ui/tag.tsx"
import type { EmbedKeyView, RefusalView, SiteView, UpdateEmbedKeyInput } from "#lib/keys/schema.ts"
import type { Command, Outcome } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { formatNumber, formatSite } from "./format.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { Snippet } from "./snippet.tsx"
import { useCommand } from "./use-command.ts"
import { WebsiteForm } from "./website-form.tsx"

export type KeyActions = {
  updateKey: Command<{ keyId: string } & UpdateEmbedKeyInput, EmbedKeyView>
  deleteKey: Command<{ keyId: string }>
}

type KeyCardProps = {
  embedKey: EmbedKeyView
  sites: SiteView[]
  refusals: RefusalView[]
  actions: KeyActions
}

/** One tag: its switch, the websites it opens on, who was turned away, and the line to paste. */
export function KeyCard({ embedKey, sites, refusals, actions }: KeyCardProps) {
  const canWrite = useCan("keys.write")
  const [asked, setAsked] = useState<"off" | "delete" | "rename" | null>(null)
  const close = () => setAsked(null)
  const toggle = useCommand(actions.updateKey, { isProblemToasted: true, onDone: close })
  const remove = useCommand(actions.deleteKey, { doneMessage: "Tag deleted.", onDone: close })
  const isOn = embedKey.status === "active"

  return (
    <section
      aria-label={`Tag ${embedKey.name}, ends in ${embedKey.key.slice(-4)}`}
      className="flex flex-col gap-5 rounded-card border border-hairline bg-card p-4 sm:p-5"
    >
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
            disabled={!canWrite || toggle.isRunning}
            aria-label={`Tag ${embedKey.name} is on`}
            onCheckedChange={(checked) => {
              if (checked) void toggle.run({ keyId: embedKey.id, status: "active" })
              else setAsked("off")
            }}
          />
        </span>
        {canWrite ? (
          <Menu
            label={`Actions for ${embedKey.name}`}
            trigger={<IconButton icon="more" label={`Actions for ${embedKey.name}`} />}
          >
            <MenuItem icon="text" onSelect={() => setAsked("rename")}>
              Rename
            </MenuItem>
            <MenuSeparator />
            <MenuItem icon="trash" isDanger onSelect={() => setAsked("delete")}>
              Delete tag
            </MenuItem>
          </Menu>
        ) : null}
      </KeyTag>

      <Websites embedKey={embedKey} sites={sites} refusals={refusals} update={actions.updateKey} />

      {isOn ? (
        <div className="flex flex-col gap-2">
          <h3 className="font-medium">The line to paste</h3>
          <Snippet embedKey={embedKey.key} />
          <p className="text-13 text-quiet">
            Anyone can see this line in your page. That’s fine: it opens nothing from other
            websites.
          </p>
        </div>
      ) : null}

      <ConfirmDialog
        isOpen={asked === "off"}
        onOpenChange={(isOpen) => (isOpen ? null : close())}
        title={`Switch off “${embedKey.name}”?`}
        verb="Switch off"
        busyVerb="Switching off…"
        isRunning={toggle.isRunning}
        problem={toggle.problem}
        onConfirm={() => void toggle.run({ keyId: embedKey.id, status: "disabled" })}
      >
        The chat disappears from {listSites(embedKey)}. Open chats stop within a second, answers
        being written included. You can switch it on again; visitors then start a new chat.
      </ConfirmDialog>
      <ConfirmDialog
        isOpen={asked === "delete"}
        onOpenChange={(isOpen) => (isOpen ? null : close())}
        title={`Delete the tag “${embedKey.name}”?`}
        verb="Delete tag"
        busyVerb="Deleting…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() => void remove.run({ keyId: embedKey.id })}
      >
        Pages with this line stop showing the chat, for good. Conversations stay. To pause it
        instead, switch it off.
      </ConfirmDialog>
      {asked === "rename" ? (
        <RenameDialog embedKey={embedKey} update={actions.updateKey} onClose={close} />
      ) : null}
    </section>
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

function listSites({ allowedOrigins }: EmbedKeyView): string {
  if (allowedOrigins.length === 0) return "your pages"
  const shown = allowedOrigins.slice(0, 3).map(formatSite)
  const rest = allowedOrigins.length - shown.length
  return new Intl.ListFormat("en").format(rest > 0 ? [...shown, `${rest} more`] : shown)
}

type WebsitesProps = {
  embedKey: EmbedKeyView
  sites: SiteView[]
  refusals: RefusalView[]
  update: KeyActions["updateKey"]
}

function Websites({ embedKey, sites, refusals, update }: WebsitesProps) {
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

type RenameDialogProps = {
  embedKey: EmbedKeyView
  update: KeyActions["updateKey"]
  onClose: () => void
}

function RenameDialog({ embedKey, update, onClose }: RenameDialogProps) {
  const command = useCommand(update, { doneMessage: "Renamed.", onDone: onClose })
  return (
    <Dialog isOpen onOpenChange={(isOpen) => (isOpen ? null : onClose())} title="Rename the tag">
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          const name = String(new FormData(event.currentTarget).get("name"))
          void command.run({ keyId: embedKey.id, name })
        }}
      >
        <ProblemNotice problem={command.problem} fields={["name"]} />
        <TextField
          label="Name"
          name="name"
          defaultValue={embedKey.name}
          maxLength={60}
          required
          hint="Only you see it, such as “Main shop”."
          error={command.issue("name")}
        />
        <Button type="submit" look="action" className="self-end" isBusy={command.isRunning}>
          Save
        </Button>
      </form>
    </Dialog>
  )
}
