"use client"

import { type FormEvent, useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { Button, IconButton } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { TextField } from "#components/ui/field.tsx"
import { Menu, MenuItem, MenuSeparator } from "#components/ui/menu.tsx"
import { Notice } from "#components/ui/notice.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { SelectField } from "#components/ui/select.tsx"
import type { ServerView, ToolParameters } from "#lib/tools/schema.ts"
import type { Problem } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { formatNumber } from "./format.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import type { ToolActions } from "./tool-actions.ts"
import { effects, HeaderField, headerHelp, readHeaderChoice, splitProblem } from "./tool-form.tsx"
import { valueTypes } from "./tool-values.tsx"
import { useCommand } from "./use-command.ts"

type RemoteTool = ServerView["tools"][number]

type ServerCardProps = { server: ServerView; actions: ToolActions }

/** An MCP server and what it offers; nothing of it is used before the owner allows it. */
export function ServerCard({ server, actions }: ServerCardProps) {
  const canWrite = useCan("bots.write")
  const [asked, setAsked] = useState<"change" | "delete" | null>(null)
  const close = () => setAsked(null)
  const refresh = useCommand(actions.refreshServer, { doneMessage: "Read again." })
  const update = useCommand(actions.updateServer, { doneMessage: "Saved.", onDone: close })
  const remove = useCommand(actions.deleteServer, { doneMessage: "Deleted.", onDone: close })
  const changed = server.tools.filter(({ state }) => state === "changed")
  return (
    <Card
      title={server.name}
      description={
        <>
          <span className="wrap-anywhere">{server.url}</span> · read{" "}
          <RelativeTime at={server.readAt} />
        </>
      }
      isFlush
      action={
        canWrite ? (
          <div className="flex items-center gap-2">
            <Button
              size="small"
              icon="retry"
              isBusy={refresh.isRunning}
              busyLabel="Asking…"
              onClick={() => void refresh.run({ serverId: server.id })}
            >
              Read again
            </Button>
            <Menu
              label={`Actions for ${server.name}`}
              trigger={<IconButton icon="more" label={`Actions for ${server.name}`} />}
            >
              <MenuItem icon="text" onSelect={() => setAsked("change")}>
                Change
              </MenuItem>
              <MenuSeparator />
              <MenuItem icon="trash" isDanger onSelect={() => setAsked("delete")}>
                Delete server
              </MenuItem>
            </Menu>
          </div>
        ) : null
      }
    >
      {refresh.problem || changed.length > 0 ? (
        <div className="flex flex-col gap-3 px-5 pb-4">
          <ProblemNotice problem={refresh.problem} />
          {changed.length > 0 ? (
            <Notice
              tone="waiting"
              icon="alert"
              title={`${formatNumber(changed.length, "tool")} changed since you allowed ${changed.length === 1 ? "it" : "them"}`}
            >
              The bot doesn’t use {changed.length === 1 ? "it" : "them"} until you have read what is
              said now and allow it again.
            </Notice>
          ) : null}
        </div>
      ) : null}
      {server.tools.length === 0 ? (
        <p className="px-5 pb-5 text-quiet">This server offers no tools.</p>
      ) : (
        <ul className="border-t border-hairline">
          {server.tools.map((tool) => (
            <RemoteRow key={tool.name} serverId={server.id} tool={tool} actions={actions} />
          ))}
        </ul>
      )}
      <Dialog
        isOpen={asked === "change"}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          close()
          update.clear()
        }}
        title={`Change ${server.name}`}
        width="wide"
      >
        <ServerForm
          server={server}
          problem={update.problem}
          isRunning={update.isRunning}
          onSubmit={(input) => void update.run({ serverId: server.id, ...input })}
        />
      </Dialog>
      <ConfirmDialog
        isOpen={asked === "delete"}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          close()
          remove.clear()
        }}
        title={`Delete ${server.name}?`}
        verb="Delete server"
        busyVerb="Deleting…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() => void remove.run({ serverId: server.id })}
      >
        The bot loses all its tools on the next message. Its headers are deleted with it.
      </ConfirmDialog>
    </Card>
  )
}

type RemoteRowProps = { serverId: string; tool: RemoteTool; actions: ToolActions }

function RemoteRow({ serverId, tool, actions }: RemoteRowProps) {
  const canWrite = useCan("bots.write")
  const [isAllowing, setAllowing] = useState(false)
  const allow = useCommand(actions.allowTool, {
    doneMessage: `${tool.name} is allowed.`,
    onDone: () => setAllowing(false),
  })
  const isOpenToAllow = canWrite && tool.parameters !== null && tool.state !== "allowed"
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-3 border-b border-hairline px-5 py-4 last:border-b-0">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-mono text-13 font-semibold wrap-anywhere">{tool.name}</span>
          <State tool={tool} />
        </p>
        <p dir="auto" className="mt-1 whitespace-pre-line wrap-anywhere">
          {tool.description}
        </p>
        {tool.fault ? <p className="mt-1 text-13 text-quiet">{tool.fault}</p> : null}
        {tool.parameters ? <Values parameters={tool.parameters} /> : null}
      </div>
      {isOpenToAllow && !isAllowing ? (
        <Button size="small" onClick={() => setAllowing(true)}>
          {tool.state === "changed" ? "Allow again" : "Allow"}
          <span className="sr-only"> {tool.name}</span>
        </Button>
      ) : null}
      {isOpenToAllow && isAllowing ? (
        <form
          className="flex basis-full flex-col gap-3 rounded-control border border-hairline bg-sunken p-4"
          onSubmit={(event: FormEvent<HTMLFormElement>) => {
            event.preventDefault()
            const isWrite = new FormData(event.currentTarget).get("effect") !== "read"
            const { name, definitionHash } = tool
            void allow.run({ serverId, name, definitionHash, isWrite })
          }}
        >
          <ProblemNotice problem={allow.problem} />
          <SelectField
            label={`What ${tool.name} does`}
            name="effect"
            options={effects}
            hint={
              tool.isReadOnlyHint
                ? "The server says that it only looks something up. Nobody checks that but you."
                : "When in doubt, leave it: a visitor then sees the values and says yes before it runs."
            }
          />
          <div className="flex flex-wrap gap-2">
            <Button
              type="submit"
              look="action"
              size="small"
              isBusy={allow.isRunning}
              busyLabel="Allowing…"
            >
              Allow it
            </Button>
            <Button size="small" look="quiet" onClick={() => setAllowing(false)}>
              Not now
            </Button>
          </div>
        </form>
      ) : null}
    </li>
  )
}

function State({ tool }: { tool: RemoteTool }) {
  switch (tool.state) {
    case "allowed":
      return (
        <Badge tone="good" hasDot>
          Allowed
        </Badge>
      )
    case "changed":
      return <Badge tone="bad">Changed</Badge>
    case "gone":
      return <Badge tone="bad">Gone</Badge>
    case "off":
      return <Badge>{tool.parameters ? "Not allowed" : "Can’t be used"}</Badge>
  }
}

/** What a call of it carries, in the owner's words rather than a schema. */
function Values({ parameters }: { parameters: ToolParameters }) {
  const entries = Object.entries(parameters.properties)
  if (entries.length === 0) return <p className="mt-1 text-13 text-quiet">Needs no values.</p>
  return (
    <ul className="mt-2 flex flex-col gap-1 text-13 text-quiet">
      {entries.map(([name, { type, description, enum: options }]) => (
        <li key={name} className="wrap-anywhere">
          <span className="font-mono text-ink">{name}</span>:{" "}
          {options
            ? options.join(", ")
            : valueTypes.find((each) => each.value === type)?.label.toLowerCase()}
          {parameters.required.includes(name) ? ", always needed" : ""}
          {description ? (
            <>
              {" – "}
              <bdi>{description}</bdi>
            </>
          ) : null}
        </li>
      ))}
    </ul>
  )
}

type ServerInput = { name: string; url: string; headers?: Record<string, string> }

type ServerFormProps = {
  server?: ServerView
  problem: Problem | null
  isRunning: boolean
  onSubmit: (input: ServerInput) => void
}

/** Where an MCP server is, and what it asks for at its door. */
export function ServerForm({ server, problem, isRunning, onSubmit }: ServerFormProps) {
  const [headerFault, setHeaderFault] = useState<string | null>(null)
  const { issue, rest } = splitProblem(problem)
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        const form = new FormData(event.currentTarget)
        const headers = readHeaderChoice(form)
        setHeaderFault(headers === null ? headerHelp : null)
        if (headers === null) return
        const text = (name: string) => String(form.get(name) ?? "").trim()
        onSubmit({ name: text("name"), url: text("url"), ...(headers ? { headers } : {}) })
      }}
    >
      <ProblemNotice problem={rest} fields={["name", "url", "headers"]} />
      <TextField
        label="Name"
        name="name"
        required
        maxLength={60}
        placeholder="Shop system"
        defaultValue={server?.name ?? ""}
        hint="Only your team sees it."
        error={issue("name")}
      />
      <TextField
        label="Address"
        name="url"
        required
        maxLength={1000}
        inputMode="url"
        dir="ltr"
        placeholder="https://mcp.example.com/mcp"
        defaultValue={server?.url ?? ""}
        hint="Of the kind “streamable HTTP”. We ask it which tools it has; none is used until you allow it."
        error={issue("url")}
      />
      <HeaderField names={server?.headerNames ?? []} error={headerFault ?? issue("headers")} />
      <Button
        type="submit"
        look="action"
        className="self-end"
        isBusy={isRunning}
        busyLabel="Asking the server…"
      >
        {server ? "Save and read again" : "Add server"}
      </Button>
    </form>
  )
}
