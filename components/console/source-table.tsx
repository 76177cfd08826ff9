"use client"

import Link from "next/link"
import { useRef, useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { IconButton } from "#components/ui/button.tsx"
import { Icon, type IconName } from "#components/ui/icon.tsx"
import { Menu, MenuItem, MenuLink, MenuSeparator } from "#components/ui/menu.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import { useNotify } from "#components/ui/toast.tsx"
import type { SourceView, UpdateSourceInput } from "#lib/knowledge/schema.ts"
import type { Gated } from "#lib/quality/schema.ts"
import type { Command } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan, useConsole } from "./console-context.tsx"
import { formatBytes } from "./format.ts"
import { useGatedCommand } from "./quality-gate.tsx"
import { VisibilityItems, visibilityNotes } from "./source-visibility.tsx"
import { describeSchedule, scheduleOptions } from "./source-web.tsx"
import { acceptedFiles, replaceSource } from "./upload-source.ts"
import { useCommand } from "./use-command.ts"

export type SourceActions = {
  /** Asks first when golden questions get worse without the source. */
  deleteSource: Command<{ sourceId: string; confirmedRunId?: string }, Gated<null>>
  retrySource: Command<{ sourceId: string }>
  stopSource: Command<{ sourceId: string }>
  updateSource: Command<{ sourceId: string } & UpdateSourceInput>
}

const isWaiting = ({ status }: SourceView) => status === "queued" || status === "processing"

const kinds: Record<SourceView["kind"], { icon: IconName; label: string }> = {
  file: { icon: "file", label: "File" },
  text: { icon: "text", label: "Text" },
  qa: { icon: "question", label: "Question and answer" },
  page: { icon: "globe", label: "Web page" },
}

type SourceTableProps = {
  sources: SourceView[]
  base: string
  actions: SourceActions
  onChanged: () => void
}

/** What the bot knows, with the state of each source; failures say why and what to do. */
export function SourceTable({ sources, base, actions, onChanged }: SourceTableProps) {
  const canWrite = useCan("knowledge.write")
  const [doomed, setDoomed] = useState<SourceView | null>(null)
  const remove = useGatedCommand(actions.deleteSource, {
    verb: () => "Delete anyway",
    onHeld: () => setDoomed(null),
    doneMessage: "Deleted. Visitors get no more answers from it.",
    onDone: () => {
      setDoomed(null)
      onChanged()
    },
  })
  const retry = useCommand(actions.retrySource, { isProblemToasted: true, onDone: onChanged })
  const stop = useCommand(actions.stopSource, { isProblemToasted: true, onDone: onChanged })
  const update = useCommand(actions.updateSource, { isProblemToasted: true, onDone: onChanged })
  const replacement = useReplacement(onChanged)

  return (
    <>
      {remove.dialog}
      <Table
        label="Sources"
        head={["Source", "State", "Size", "Added", { label: "Actions", isHidden: true }]}
      >
        {sources.map((source) => (
          <Row key={source.id}>
            <Cell className="sm:min-w-40 max-sm:flex-1 max-sm:basis-[calc(100%-4rem)]">
              <div className="flex items-start gap-3">
                <Icon
                  name={kinds[source.kind].icon}
                  size={18}
                  className="mt-0.5 hidden text-quiet sm:block"
                />
                <div className="min-w-0">
                  <Link
                    href={`${base}?source=${source.id}`}
                    scroll={false}
                    className="font-medium wrap-anywhere hover:underline underline-offset-2"
                  >
                    {source.title}
                  </Link>
                  {source.status === "failed" && source.error ? (
                    <p className="mt-0.5 text-13 text-danger">{source.error}</p>
                  ) : null}
                  {source.notice ? (
                    <p className="mt-0.5 text-13 text-quiet">{source.notice}</p>
                  ) : null}
                  <SourceChoices source={source} />
                </div>
              </div>
            </Cell>
            <Cell className="max-sm:order-1">
              <SourceState source={source} />
            </Cell>
            <Cell className="whitespace-nowrap text-quiet tabular-nums max-sm:order-1 max-sm:text-13">
              {formatBytes(source.byteSize)}
            </Cell>
            <Cell className="whitespace-nowrap text-quiet max-sm:order-1 max-sm:text-13">
              <RelativeTime at={source.createdAt} />
            </Cell>
            <Cell className="text-end sm:w-px">
              <Menu
                label={`Actions for ${source.title}`}
                trigger={<IconButton icon="more" label={`Actions for ${source.title}`} />}
              >
                <MenuLink href={`${base}?source=${source.id}`} icon="book">
                  Read the text
                </MenuLink>
                {canWrite && source.status === "failed" ? (
                  <MenuItem icon="retry" onSelect={() => void retry.run({ sourceId: source.id })}>
                    Try again
                  </MenuItem>
                ) : null}
                {source.url ? (
                  <MenuLink href={source.url} icon="external">
                    Open the page
                  </MenuLink>
                ) : null}
                {canWrite && source.kind === "page" && source.status === "ready" ? (
                  <MenuItem icon="retry" onSelect={() => void retry.run({ sourceId: source.id })}>
                    Read it again
                  </MenuItem>
                ) : null}
                {canWrite && source.kind === "file" ? (
                  <MenuItem icon="upload" onSelect={() => replacement.choose(source)}>
                    Replace the file
                  </MenuItem>
                ) : null}
                {canWrite && isWaiting(source) ? (
                  <MenuItem icon="close" onSelect={() => void stop.run({ sourceId: source.id })}>
                    Stop reading
                  </MenuItem>
                ) : null}
                {canWrite && source.kind === "page" && source.crawlId === null
                  ? scheduleOptions
                      .filter(({ value }) => value !== source.schedule)
                      .map(({ value }) => (
                        <MenuItem
                          key={value}
                          icon="history"
                          onSelect={() => void update.run({ sourceId: source.id, schedule: value })}
                        >
                          {describeSchedule(value)}
                        </MenuItem>
                      ))
                  : null}
                {canWrite ? (
                  <>
                    <MenuSeparator />
                    <VisibilityItems
                      current={source.visibility}
                      onChoose={(visibility) =>
                        void update.run({ sourceId: source.id, visibility })
                      }
                    />
                    <MenuSeparator />
                    <MenuItem icon="trash" isDanger onSelect={() => setDoomed(source)}>
                      Delete
                    </MenuItem>
                  </>
                ) : null}
              </Menu>
            </Cell>
          </Row>
        ))}
      </Table>
      {replacement.input}
      <ConfirmDialog
        isOpen={doomed !== null}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          setDoomed(null)
          remove.clear()
        }}
        title={`Delete “${doomed?.title ?? ""}”?`}
        verb="Delete source"
        busyVerb="Deleting…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() => doomed && void remove.run({ sourceId: doomed.id })}
      >
        The bot stops answering from it at once. Answers already given stay in your conversations.
        This can’t be undone.
      </ConfirmDialog>
    </>
  )
}

/** Picks a file for a source and sends it as its next version. */
function useReplacement(onChanged: () => void) {
  const { tenantId } = useConsole()
  const notify = useNotify()
  const picker = useRef<HTMLInputElement>(null)
  const target = useRef<SourceView | null>(null)
  async function send(file: File | undefined) {
    const source = target.current
    if (!file || !source) return
    const outcome = await replaceSource(tenantId, source.id, file)
    if (outcome.ok) notify("The new version is being read. Until then the earlier one answers.")
    else notify(`${outcome.problem.title} ${outcome.problem.detail}`, "bad")
    onChanged()
  }
  const input = (
    <input
      ref={picker}
      type="file"
      accept={acceptedFiles}
      aria-label="The new version of the file"
      tabIndex={-1}
      className="hidden"
      onChange={(event) => {
        void send(event.target.files?.[0])
        event.target.value = ""
      }}
    />
  )
  return {
    input,
    choose(source: SourceView) {
      target.current = source
      picker.current?.click()
    },
  }
}

/** What was chosen for a source, where that is not what everyone has. */
function SourceChoices({ source }: { source: SourceView }) {
  const rhythm = scheduleOptions.find(({ value }) => value === source.schedule)
  const choices = [
    source.visibility === "link" ? "" : visibilityNotes[source.visibility],
    source.schedule === "never" ? "" : `read ${rhythm?.label.toLowerCase()}`,
  ].filter(Boolean)
  if (choices.length === 0) return null
  const text = choices.join(" · ")
  return <p className="mt-0.5 text-13 text-quiet">{text.charAt(0).toUpperCase() + text.slice(1)}</p>
}

function SourceState({ source }: { source: SourceView }) {
  switch (source.status) {
    case "ready":
      return <Badge tone="good">Ready</Badge>
    case "held":
      return <Badge tone="waiting">Waiting for you</Badge>
    case "checking":
      return (
        <Badge tone="waiting" hasDot isBreathing>
          Checking answers
        </Badge>
      )
    case "failed":
      return <Badge tone="bad">Failed</Badge>
    case "queued":
      return (
        <Badge tone="waiting" hasDot isBreathing>
          Waiting
        </Badge>
      )
    case "processing":
      return (
        <div className="flex min-w-24 flex-col gap-1.5">
          <span className="text-13 font-medium text-brass-ink tabular-nums">
            {source.pageCount
              ? `Page ${source.pagesDone} of ${source.pageCount}`
              : `Reading ${source.progress} %`}
          </span>
          <progress
            aria-label={`Reading ${source.title}`}
            value={source.progress}
            max={100}
            className="h-1 w-full appearance-none overflow-hidden rounded-full bg-sunken [&::-moz-progress-bar]:bg-brass [&::-webkit-progress-bar]:bg-sunken [&::-webkit-progress-value]:bg-brass"
          />
        </div>
      )
  }
}
