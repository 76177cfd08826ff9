"use client"

import { useRouter } from "next/navigation"
import { type ReactNode, useEffect, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { Icon } from "#components/ui/icon.tsx"
import { TagMark } from "#components/ui/tag.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { Checklist } from "#lib/conversations/schema.ts"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { SourceView } from "#lib/knowledge/schema.ts"
import type { AddSourceActions } from "./add-source.tsx"
import type { CreateKey, UpdateBot, UpdateKey } from "./bot-actions.ts"
import { NameStep, PasteStep, SiteStep, SourceStep } from "./first-run-steps.tsx"
import { formatSite } from "./format.ts"
import { type CreatePreviewTicket, PreviewFrame } from "./preview-frame.tsx"

export type FirstRunActions = AddSourceActions & {
  updateBot: UpdateBot
  createKey: CreateKey
  updateKey: UpdateKey
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

function summarizeSources(sources: SourceView[]): string {
  const [latest] = sources
  if (!latest) return "A file, some text, or one question with its answer."
  const isBusy = ["queued", "processing", "checking"].includes(latest.status)
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
