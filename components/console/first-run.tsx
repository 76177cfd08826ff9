"use client"

import { useRouter } from "next/navigation"
import { type ReactNode, useEffect, useState } from "react"
import { Button, ButtonLink } from "#components/ui/button.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { TextField } from "#components/ui/field.tsx"
import { Icon } from "#components/ui/icon.tsx"
import { TagMark } from "#components/ui/tag.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { Checklist } from "#lib/conversations/schema.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { SourceView } from "#lib/knowledge/schema.ts"
import { AddSource, type AddSourceActions } from "./add-source.tsx"
import { useCan, useConsole } from "./console-context.tsx"
import { type CreateKey, PublishNotice, type UpdateBot } from "./embed-board.tsx"
import { formatSite } from "./format.ts"
import type { KeyActions } from "./key-card.tsx"
import { type CreatePreviewTicket, PreviewFrame } from "./preview-frame.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { routes } from "./routes.ts"
import { Snippet } from "./snippet.tsx"
import { useCommand } from "./use-command.ts"
import { useUploads } from "./use-uploads.ts"
import { WebsiteForm } from "./website-form.tsx"

export type FirstRunActions = AddSourceActions &
  Pick<KeyActions, "updateKey"> & {
    updateBot: UpdateBot
    createKey: CreateKey
    createPreviewTicket: CreatePreviewTicket
  }

type FirstRunProps = {
  bot: BotView
  checklist: Checklist
  sources: SourceView[]
  keys: EmbedKeyView[]
  actions: FirstRunActions
}

const pollMs = 3000

/** What is left until it's live: five steps, each done in place. Watches for the first visit. */
export function FirstRun({ bot, checklist, sources, keys, actions }: FirstRunProps) {
  useFreshPage(pollMs)
  const done = [
    checklist.isNamed,
    checklist.hasSource,
    checklist.hasQuestion,
    checklist.hasSite,
    checklist.seen !== null,
  ]
  // A step that gets done while it is open stays open: an answer must not vanish while it is read.
  const [open, setOpen] = useState(() => done.indexOf(false))
  const doneCount = done.filter(Boolean).length
  const steps: { title: string; summary: string; content: ReactNode }[] = [
    {
      title: "Name the bot",
      summary: checklist.isNamed ? bot.name : "Visitors see the name at the top of the chat.",
      content: <NameStep bot={bot} update={actions.updateBot} onDone={() => setOpen(1)} />,
    },
    {
      title: "Add a source",
      summary: summarizeSources(sources),
      content: <SourceStep botId={bot.id} sources={sources} actions={actions} />,
    },
    {
      title: "Ask it something",
      summary: checklist.hasQuestion
        ? "It has been asked."
        : "See what it would say, before anyone else does.",
      content: (
        <PreviewFrame bot={bot} createTicket={actions.createPreviewTicket} className="h-[30rem]" />
      ),
    },
    {
      title: "Allow your website",
      summary: summarizeSites(keys),
      content: <SiteStep bot={bot} keys={keys} actions={actions} onDone={() => setOpen(4)} />,
    },
    {
      title: "Paste the line",
      summary: "One line of HTML, and the chat is on your pages.",
      content: <PasteStep bot={bot} keys={keys} updateBot={actions.updateBot} />,
    },
  ]

  return (
    <section aria-labelledby="first-run" className="rounded-card border border-hairline bg-card">
      <div className="flex flex-wrap items-center justify-between gap-3 px-5 pt-5 pb-4">
        <div>
          <h2 id="first-run" className="text-20 font-semibold">
            Five steps until it’s live
          </h2>
          <p className="text-quiet">
            {doneCount === 0 ? "Each one takes a minute." : `${doneCount} of 5 done.`}
          </p>
        </div>
        <progress
          aria-label="Steps done"
          value={doneCount}
          max={5}
          className="h-1.5 w-40 appearance-none overflow-hidden rounded-full bg-sunken [&::-moz-progress-bar]:bg-action [&::-webkit-progress-bar]:bg-sunken [&::-webkit-progress-value]:bg-action"
        />
      </div>
      <ol>
        {steps.map((step, index) => (
          <Step
            key={step.title}
            number={index + 1}
            title={step.title}
            summary={step.summary}
            isDone={done[index] ?? false}
            isOpen={open === index}
            onToggle={() => setOpen(open === index ? -1 : index)}
            onNext={index === 1 || index === 2 ? () => setOpen(index + 1) : null}
          >
            {step.content}
          </Step>
        ))}
      </ol>
    </section>
  )
}

type StepProps = {
  number: number
  title: string
  summary: string
  isDone: boolean
  isOpen: boolean
  onToggle: () => void
  /** For steps that don't move on by themselves. */
  onNext: (() => void) | null
  children: ReactNode
}

function Step(props: StepProps) {
  const { number, title, summary, isDone, isOpen, onToggle, onNext, children } = props
  const id = `step-${number}`
  return (
    <li className="border-t border-hairline">
      <h3>
        <button
          type="button"
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={onToggle}
          className="flex w-full items-center gap-4 px-5 py-3.5 text-start transition-colors hover:bg-sunken/60"
        >
          <span className="relative flex w-7 shrink-0 justify-center">
            <TagMark
              number={isDone ? "" : String(number)}
              height={34}
              look={isOpen && !isDone ? "brass" : "outline"}
            />
            {isDone ? (
              <Icon name="check" size={18} className="absolute bottom-1.5 text-brass-ink" />
            ) : null}
          </span>
          <span className="min-w-0 flex-1">
            <span className="block font-semibold">
              {title}
              {isDone ? <span className="sr-only">, done</span> : null}
            </span>
            <span className="block text-quiet wrap-anywhere">{summary}</span>
          </span>
          <Icon
            name="chevron"
            size={18}
            className={joinClasses("text-quiet transition-transform", isOpen && "rotate-180")}
          />
        </button>
      </h3>
      <div id={id} hidden={!isOpen} className="px-5 pb-6 sm:ps-16">
        {isOpen ? children : null}
        {isOpen && isDone && onNext ? (
          <Button look="action" className="mt-5" onClick={onNext}>
            Next step
          </Button>
        ) : null}
      </div>
    </li>
  )
}

type NameStepProps = { bot: BotView; update: UpdateBot; onDone: () => void }

function NameStep({ bot, update, onDone }: NameStepProps) {
  const command = useCommand(update, { onDone })
  return (
    <form
      className="flex max-w-md flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        const name = String(new FormData(event.currentTarget).get("name"))
        void command.run({ botId: bot.id, name })
      }}
    >
      <ProblemNotice problem={command.problem} fields={["name"]} />
      <TextField
        label="Name"
        name="name"
        defaultValue={bot.name}
        maxLength={60}
        required
        error={command.issue("name")}
      />
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Saving…"
      >
        Use this name
      </Button>
    </form>
  )
}

type SourceStepProps = { botId: string; sources: SourceView[]; actions: AddSourceActions }

function SourceStep({ botId, sources, actions }: SourceStepProps) {
  const { tenantId } = useConsole()
  const uploads = useUploads(botId)
  const failed = sources.find((source) => source.status === "failed")
  return (
    <div className="flex flex-col gap-4">
      <AddSource botId={botId} uploads={uploads} actions={actions} />
      {failed ? (
        <p className="text-13 text-danger">
          “{failed.title}” failed: {failed.error}
        </p>
      ) : null}
      {sources.length > 0 ? (
        <ButtonLink href={routes.knowledge(tenantId, botId)} size="small" className="self-start">
          See all sources
        </ButtonLink>
      ) : null}
    </div>
  )
}

function summarizeSources(sources: SourceView[]): string {
  const [latest] = sources
  if (!latest) return "A file, some text, or one question with its answer."
  const isBusy = latest.status === "queued" || latest.status === "processing"
  if (isBusy) return `Reading “${latest.title}”… ${latest.progress} %`
  const ready = sources.filter((source) => source.status === "ready").length
  if (ready === 0) return `“${latest.title}” could not be read. Try another one.`
  return ready === 1 ? "It knows one source." : `It knows ${ready} sources.`
}

function summarizeSites(keys: EmbedKeyView[]): string {
  const sites = keys.flatMap((key) => key.allowedOrigins)
  if (sites.length === 0) return "The chat opens there and nowhere else."
  return sites.map(formatSite).join(", ")
}

type SiteStepProps = {
  bot: BotView
  keys: EmbedKeyView[]
  actions: Pick<FirstRunActions, "createKey" | "updateKey">
  onDone: () => void
}

function SiteStep({ bot, keys, actions, onDone }: SiteStepProps) {
  const canWrite = useCan("keys.write")
  const create = useCommand(actions.createKey, { onDone })
  const update = useCommand(actions.updateKey, { onDone })
  if (!canWrite) return <p className="text-quiet">An owner or admin of your team can do this.</p>
  return (
    <div className="flex max-w-md flex-col gap-3">
      <WebsiteForm
        isTest={null}
        isRunning={create.isRunning || update.isRunning}
        add={(address, needsTestTag) => {
          const mode = needsTestTag ? "test" : "live"
          const key = keys.find((one) => one.mode === mode)
          return key
            ? update.run({ keyId: key.id, allowedOrigins: [...key.allowedOrigins, address] })
            : create.run({ botId: bot.id, mode, allowedOrigins: [address] })
        }}
      />
      <p className="text-13 text-quiet">
        With and without www are two addresses: add both if visitors use both.
      </p>
    </div>
  )
}

type PasteStepProps = { bot: BotView; keys: EmbedKeyView[]; updateBot: UpdateBot }

function PasteStep({ bot, keys, updateBot }: PasteStepProps) {
  const { tenantId } = useConsole()
  const key = keys.find((one) => one.allowedOrigins.length > 0)
  if (!key) return <p className="text-quiet">Allow your website first; the line comes with it.</p>
  return (
    <div className="flex flex-col gap-4">
      <PublishNotice bot={bot} updateBot={updateBot} />
      <p>
        Paste this line into your website, before <code className="font-mono">&lt;/body&gt;</code>.
        WordPress, Shopify and Wix have{" "}
        <a
          href={routes.embed(tenantId, bot.id)}
          className="font-medium text-action underline underline-offset-2"
        >
          a place for it
        </a>
        .
      </p>
      <Snippet embedKey={key.key} />
      {bot.published ? (
        <p role="status" className="flex items-center gap-2.5 text-quiet">
          <span aria-hidden="true" className="size-2 animate-breathe rounded-full bg-brass" />
          Waiting for the first visit on {key.allowedOrigins.map(formatSite).join(", ")}. Open your
          page and this screen will notice.
        </p>
      ) : null}
    </div>
  )
}

/** Re-reads the page every few seconds while someone is looking at it. */
function useFreshPage(everyMs: number) {
  const router = useRouter()
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") router.refresh()
    }, everyMs)
    return () => clearInterval(timer)
  }, [router, everyMs])
}
