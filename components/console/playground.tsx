"use client"

import type { FormEvent } from "react"
import { useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { controlClasses } from "#components/ui/field.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { SearchResult } from "#lib/knowledge/schema.ts"
import type { Command } from "./command.ts"
import { type CreatePreviewTicket, PreviewFrame } from "./preview-frame.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

export type SearchPassages = Command<{ botId: string; query: string }, SearchResult>

type PlaygroundProps = {
  bot: BotView
  actions: { createPreviewTicket: CreatePreviewTicket; searchPassages: SearchPassages }
}

/** What would it say, and from where? The chat at the start, the passages it would read at the end. */
export function Playground({ bot, actions }: PlaygroundProps) {
  return (
    <div className="grid items-start gap-6 lg:grid-cols-2">
      <section aria-labelledby="ask">
        <h2 id="ask" className="text-16 font-semibold">
          Ask it
        </h2>
        <p className="mb-3 text-13 text-quiet">
          Only you see this. It counts in your usage, not in your visitors’ figures.
        </p>
        <PreviewFrame
          bot={bot}
          createTicket={actions.createPreviewTicket}
          className="h-[min(640px,calc(100dvh-14rem))] min-h-96"
        />
      </section>
      <PassageSearch botId={bot.id} search={actions.searchPassages} />
    </div>
  )
}

function PassageSearch({ botId, search }: { botId: string; search: SearchPassages }) {
  const command = useCommand(search)
  const [found, setFound] = useState<SearchResult | null>(null)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const query = String(new FormData(event.currentTarget).get("query")).trim()
    if (!query) return
    const outcome = await command.run({ botId, query })
    if (outcome.ok) setFound(outcome.data)
  }

  return (
    <section aria-labelledby="passages">
      <h2 id="passages" className="text-16 font-semibold">
        What it would read
      </h2>
      <p className="mb-3 text-13 text-quiet">
        The passages that fit a question best, before any answer is written.
      </p>
      <form onSubmit={submit} className="mb-4 flex flex-wrap gap-2">
        <input
          name="query"
          type="search"
          aria-label="Question to find passages for"
          placeholder="Can I return an opened box?"
          maxLength={500}
          required
          className={joinClasses(controlClasses, "min-w-0 flex-1 basis-48")}
        />
        <Button type="submit" icon="search" isBusy={command.isRunning} busyLabel="Looking…">
          Find
        </Button>
      </form>
      <ProblemNotice problem={command.problem} />
      <div role="status">
        {found && found.passages.length === 0 ? (
          <p className="text-quiet">Nothing in your sources fits this question.</p>
        ) : null}
        {found && found.passages.length > 0 && !found.isRelevant ? (
          <p className="mb-3 text-quiet">
            None fits well: the bot would say that it doesn’t know. These come closest.
          </p>
        ) : null}
      </div>
      {found === null ? (
        <EmptyState title="Find out why it answers as it does" number="?">
          Type a question to see what your sources hold on it, and what they lack.
        </EmptyState>
      ) : null}
      {found ? (
        <ol className="flex flex-col gap-3">
          {found.passages.map((passage, index) => (
            <li key={passage.chunkId}>
              <Card>
                <p className="mb-2 flex flex-wrap items-center gap-2">
                  <Badge tone="waiting">{index + 1}</Badge>
                  <span className="min-w-0 font-medium wrap-anywhere">{passage.title}</span>
                  <span className="text-13 text-quiet">
                    {[passage.heading, passage.page === null ? null : `page ${passage.page}`]
                      .filter(Boolean)
                      .join(", ")}
                  </span>
                </p>
                <p dir="auto" className="text-quiet whitespace-pre-wrap wrap-anywhere">
                  {passage.text}
                </p>
              </Card>
            </li>
          ))}
        </ol>
      ) : null}
    </section>
  )
}
