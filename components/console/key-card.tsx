"use client"

import Link from "next/link"
import { useState } from "react"
import { Button, IconButton } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { TextField } from "#components/ui/field.tsx"
import { Menu, MenuItem, MenuLink, MenuSeparator } from "#components/ui/menu.tsx"
import type { EmbedKeyView, RefusalView, SiteView } from "#lib/keys/schema.ts"
import type { KeyActions, UpdateKey } from "./bot-actions.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan, useConsole } from "./console-context.tsx"
import { formatSite } from "./format.ts"
import { OldLineNotice } from "./old-line-notice.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { routes } from "./routes.ts"
import { Snippet } from "./snippet.tsx"
import { SwitchTag } from "./switch-tag.tsx"
import { useCommand } from "./use-command.ts"
import { Websites } from "./websites.tsx"

type KeyCardProps = {
  botId: string
  embedKey: EmbedKeyView
  sites: SiteView[]
  refusals: RefusalView[]
  actions: KeyActions
}

/** One tag: its switch, the websites it opens on, who was turned away, and the line to paste. */
export function KeyCard({ botId, embedKey, sites, refusals, actions }: KeyCardProps) {
  const canWrite = useCan("keys.write")
  const [asked, setAsked] = useState<"off" | "delete" | "rename" | null>(null)
  const close = () => setAsked(null)
  const toggle = useCommand(actions.updateKey, { isProblemToasted: true, onDone: close })
  const remove = useCommand(actions.deleteKey, { doneMessage: "Tag deleted.", onDone: close })
  const isOn = embedKey.status === "active"
  const incidentHref = routes.embedKey(useConsole().tenantId, botId, embedKey.id)

  return (
    <section
      aria-label={`Tag ${embedKey.name}, ends in ${embedKey.key.slice(-4)}`}
      className="flex flex-col gap-5 rounded-card border border-hairline bg-card p-4 sm:p-5"
    >
      <SwitchTag
        embedKey={embedKey}
        isDisabled={!canWrite || toggle.isRunning}
        onSwitch={(checked) => {
          if (checked) void toggle.run({ keyId: embedKey.id, status: "active" })
          else setAsked("off")
        }}
      >
        {canWrite ? (
          <Menu
            label={`Actions for ${embedKey.name}`}
            trigger={<IconButton icon="more" label={`Actions for ${embedKey.name}`} />}
          >
            <MenuItem icon="text" onSelect={() => setAsked("rename")}>
              Rename
            </MenuItem>
            <MenuLink icon="search" href={incidentHref}>
              Check for abuse
            </MenuLink>
            <MenuSeparator />
            <MenuItem icon="trash" isDanger onSelect={() => setAsked("delete")}>
              Delete tag
            </MenuItem>
          </Menu>
        ) : null}
      </SwitchTag>

      <OldLineNotice embedKey={embedKey} sites={sites} />
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
      {/* In plain sight as well: in an alarm nobody looks into a menu. */}
      <p className="border-t border-hairline pt-4 text-13 text-quiet">
        More chats than usual?{" "}
        <Link href={incidentHref} className="font-medium text-action underline underline-offset-2">
          Check for abuse<span className="sr-only"> of {embedKey.name}</span>
        </Link>
      </p>

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

function listSites({ allowedOrigins }: EmbedKeyView): string {
  if (allowedOrigins.length === 0) return "your pages"
  const shown = allowedOrigins.slice(0, 3).map(formatSite)
  const rest = allowedOrigins.length - shown.length
  return new Intl.ListFormat("en").format(rest > 0 ? [...shown, `${rest} more`] : shown)
}

type RenameDialogProps = {
  embedKey: EmbedKeyView
  update: UpdateKey
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
