"use client"

import { useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { ServerView, ToolView } from "#lib/tools/schema.ts"
import { useCan } from "./console-context.tsx"
import type { ToolActions } from "./tool-actions.ts"
import { ToolForm } from "./tool-form.tsx"
import { ServerCard, ServerForm } from "./tool-server.tsx"
import { ToolTable } from "./tool-table.tsx"
import { useCommand } from "./use-command.ts"

type ToolBoardProps = {
  botId: string
  tools: ToolView[]
  servers: ServerView[]
  keys: EmbedKeyView[]
  actions: ToolActions
}

/** What may this bot do besides answering, and where? */
export function ToolBoard({ botId, tools, servers, keys, actions }: ToolBoardProps) {
  const canWrite = useCan("bots.write")
  const [adding, setAdding] = useState<"tool" | "server" | null>(null)
  const close = () => setAdding(null)
  const create = useCommand(actions.createTool, { doneMessage: "Tool added.", onDone: close })
  const add = useCommand(actions.addServer, {
    doneMessage: "Server added. Choose what it may be used for.",
    onDone: close,
  })
  const buttons = canWrite ? (
    <div className="flex flex-wrap gap-2">
      <Button onClick={() => setAdding("server")}>Add an MCP server</Button>
      <Button look="action" icon="plus" onClick={() => setAdding("tool")}>
        Add a tool
      </Button>
    </div>
  ) : null
  const isEmpty = tools.length === 0 && servers.length === 0
  return (
    <div className="flex flex-col gap-5">
      {isEmpty ? (
        <Card isFlush>
          <EmptyState title="No tools yet" action={buttons}>
            With a tool the bot looks something up in your own systems, such as an order, or does
            something there once the visitor has said yes.
          </EmptyState>
        </Card>
      ) : (
        <>
          <div className="flex flex-wrap items-center justify-between gap-3">
            <p className="max-w-prose text-quiet">
              What the bot may do besides answering. Looking up happens at once; anything that
              changes something runs only on the tags you choose, and only after the visitor’s yes.
            </p>
            {buttons}
          </div>
          <Card isFlush>
            {tools.length === 0 ? (
              <EmptyState title="Nothing allowed yet">
                Look through what your servers offer below, and allow what the bot may use.
              </EmptyState>
            ) : (
              <ToolTable tools={tools} servers={servers} keys={keys} actions={actions} />
            )}
          </Card>
          {servers.map((server) => (
            <ServerCard key={server.id} server={server} actions={actions} />
          ))}
        </>
      )}
      <Dialog
        isOpen={adding === "tool"}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          close()
          create.clear()
        }}
        title="Add a tool"
        description="A call to an address of yours that answers with JSON or text."
        width="wide"
      >
        <ToolForm
          problem={create.problem}
          isRunning={create.isRunning}
          onSubmit={async (input) => (await create.run({ botId, ...input })).ok}
        />
      </Dialog>
      <Dialog
        isOpen={adding === "server"}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          close()
          add.clear()
        }}
        title="Add an MCP server"
        width="wide"
      >
        <ServerForm
          problem={add.problem}
          isRunning={add.isRunning}
          onSubmit={(input) => void add.run({ botId, ...input })}
        />
      </Dialog>
    </div>
  )
}
