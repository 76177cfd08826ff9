"use client"

import { useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { IconButton } from "#components/ui/button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { Menu, MenuItem, MenuSeparator } from "#components/ui/menu.tsx"
import { Switch } from "#components/ui/switch.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { ServerView, ToolView } from "#lib/tools/schema.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { formatNumber } from "./format.ts"
import type { ToolActions } from "./tool-actions.ts"
import { KeysDialog, TrialDialog } from "./tool-dialogs.tsx"
import { ToolForm } from "./tool-form.tsx"
import { useCommand } from "./use-command.ts"

type ToolTableProps = {
  tools: ToolView[]
  servers: ServerView[]
  keys: EmbedKeyView[]
  actions: ToolActions
}

type Asked = { what: "change" | "try" | "keys" | "delete"; tool: ToolView }

/** Each tool of the bot: what it is for, whether it changes something, and where it may. */
export function ToolTable({ tools, servers, keys, actions }: ToolTableProps) {
  const canWrite = useCan("bots.write")
  const canAllow = useCan("keys.write")
  const [asked, setAsked] = useState<Asked | null>(null)
  const close = () => setAsked(null)
  const toggle = useCommand(actions.updateTool, { isProblemToasted: true })
  const update = useCommand(actions.updateTool, { doneMessage: "Saved.", onDone: close })
  const remove = useCommand(actions.deleteTool, { doneMessage: "Deleted.", onDone: close })
  return (
    <>
      <Table
        label="Tools"
        head={["Tool", "What it does", "On", { label: "Actions", isHidden: true }]}
      >
        {tools.map((tool) => (
          <Row key={tool.id}>
            <Cell className="sm:min-w-48 max-sm:basis-full">
              <p className="font-mono text-13 font-semibold wrap-anywhere">{tool.name}</p>
              <p dir="auto" className="wrap-anywhere">
                {tool.description}
              </p>
              <p className="text-13 text-quiet wrap-anywhere">{placeOf(tool, servers)}</p>
            </Cell>
            <Cell className="max-sm:flex-1">
              <Effect tool={tool} keys={keys} servers={servers} />
            </Cell>
            <Cell className="sm:w-px">
              <Switch
                checked={tool.isEnabled}
                disabled={!canWrite || toggle.isRunning}
                aria-label={`${tool.name} is on`}
                onCheckedChange={(isEnabled) => void toggle.run({ toolId: tool.id, isEnabled })}
              />
            </Cell>
            <Cell className="text-end sm:w-px">
              {canWrite ? (
                <Menu
                  label={`Actions for ${tool.name}`}
                  trigger={<IconButton icon="more" label={`Actions for ${tool.name}`} />}
                >
                  <MenuItem icon="play" onSelect={() => setAsked({ what: "try", tool })}>
                    Try it
                  </MenuItem>
                  {tool.isWrite && canAllow ? (
                    <MenuItem icon="key" onSelect={() => setAsked({ what: "keys", tool })}>
                      Where it may run
                    </MenuItem>
                  ) : null}
                  <MenuItem icon="text" onSelect={() => setAsked({ what: "change", tool })}>
                    Change
                  </MenuItem>
                  <MenuSeparator />
                  <MenuItem
                    icon="trash"
                    isDanger
                    onSelect={() => setAsked({ what: "delete", tool })}
                  >
                    Delete
                  </MenuItem>
                </Menu>
              ) : null}
            </Cell>
          </Row>
        ))}
      </Table>
      {asked?.what === "try" ? (
        <TrialDialog tool={asked.tool} tryTool={actions.tryTool} onClose={close} />
      ) : null}
      {asked?.what === "keys" ? (
        <KeysDialog tool={asked.tool} keys={keys} updateKey={actions.updateKey} onClose={close} />
      ) : null}
      {asked?.what === "change" ? (
        <Dialog
          isOpen
          onOpenChange={(isOpen) => {
            if (isOpen) return
            close()
            update.clear()
          }}
          title={`Change ${asked.tool.name}`}
          width="wide"
        >
          <ToolForm
            tool={asked.tool}
            problem={update.problem}
            isRunning={update.isRunning}
            onSubmit={async (input) => (await update.run({ toolId: asked.tool.id, ...input })).ok}
          />
        </Dialog>
      ) : null}
      <ConfirmDialog
        isOpen={asked?.what === "delete"}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          close()
          remove.clear()
        }}
        title={`Delete the tool ${asked?.tool.name ?? ""}?`}
        verb="Delete tool"
        busyVerb="Deleting…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() => asked && void remove.run({ toolId: asked.tool.id })}
      >
        The bot can’t use it from the next message on, and questions that wait for a visitor’s yes
        lapse. Its headers are deleted with it. To pause it instead, switch it off.
      </ConfirmDialog>
    </>
  )
}

function placeOf(tool: ToolView, servers: ServerView[]): string {
  if (tool.url) return `${tool.method} ${tool.url}`
  return servers.find(({ id }) => id === tool.serverId)?.name ?? "An MCP server"
}

function Effect({
  tool,
  keys,
  servers,
}: { tool: ToolView } & Omit<ToolTableProps, "tools" | "actions">) {
  const remote = servers
    .find(({ id }) => id === tool.serverId)
    ?.tools.find(({ toolId }) => toolId === tool.id)
  if (remote && remote.state !== "allowed")
    return (
      <Badge tone="bad">
        {remote.state === "gone" ? "Gone from its server" : "Changed by its server"}
      </Badge>
    )
  if (!tool.isWrite) return <Badge>Looks up</Badge>
  const allowed = keys.filter((key) => key.tools.includes(tool.id)).length
  return (
    <div className="flex flex-col items-start gap-1">
      <Badge tone="waiting">Asks the visitor first</Badge>
      <span className="text-13 text-quiet">
        {allowed === 0 ? "Not allowed on any tag yet" : `On ${formatNumber(allowed, "tag")}`}
      </span>
    </div>
  )
}
