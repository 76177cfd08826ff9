"use client"

import { useRouter } from "next/navigation"
import { useCallback, useEffect, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import type { CrawlView, SourceView } from "#lib/knowledge/schema.ts"
import { AddSource, type AddSourceActions } from "./add-source.tsx"
import { useCan, useConsole } from "./console-context.tsx"
import { formatNumber } from "./format.ts"
import { type HeldActions, HeldSources } from "./held-sources.tsx"
import { OlderLink } from "./older-link.tsx"
import { routes } from "./routes.ts"
import { isSiteBusy, type SiteActions, SourceSites } from "./source-sites.tsx"
import { type SourceActions, SourceTable } from "./source-table.tsx"
import { DropAnywhere } from "./upload-area.tsx"
import { sitesUrl, sourcesUrl } from "./upload-source.ts"
import { useUploads } from "./use-uploads.ts"

type KnowledgeBoardProps = {
  botId: string
  sources: SourceView[]
  sites: CrawlView[]
  /** What waits for the owner, on whichever part of the list it is. */
  held: SourceView[]
  /** Which part of a long list this is, and what is after it. */
  cursor: string | null
  nextCursor: string | null
  actions: AddSourceActions & SourceActions & SiteActions & HeldActions
}

const pollMs = 1500

/** Everything the bot knows. Reads the list again while something is being worked on. */
export function KnowledgeBoard(props: KnowledgeBoardProps) {
  const { botId, actions, held, cursor, nextCursor, ...initial } = props

  const { tenantId } = useConsole()
  const canWrite = useCan("knowledge.write")
  const { sources, sites, readAgain, add } = useLiveSources({ tenantId, botId, cursor }, initial)
  const uploads = useUploads(botId, add)
  const [isAdding, setAdding] = useState(false)
  const isFormShown = canWrite && (isAdding || sources.length === 0 || uploads.pending.length > 0)
  const elsewhere = held.filter(({ id }) => !sources.some((source) => source.id === id))
  const waiting = [...sources.filter(({ status }) => status === "held"), ...elsewhere]
  const failed = sources.filter((source) => source.status === "failed").length

  const board = (
    <div className="flex flex-col gap-5">
      {sources.length > 0 ? (
        <div className="flex flex-wrap items-center justify-between gap-3">
          <p className="text-quiet">
            {formatNumber(sources.length, "source")}
            {cursor || nextCursor ? " on this page" : ""}
            {failed > 0 ? `, ${formatNumber(failed, "failed", "failed")}` : ""}.
            {canWrite ? (
              <span className="pointer-coarse:hidden"> Drop files anywhere to add them.</span>
            ) : null}
          </p>
          {canWrite ? (
            <Button
              look={isAdding ? "plain" : "action"}
              icon={isAdding ? "close" : "plus"}
              aria-expanded={isFormShown}
              onClick={() => setAdding(!isAdding)}
            >
              {isAdding ? "Close" : "Add a source"}
            </Button>
          ) : null}
        </div>
      ) : null}
      {isFormShown ? (
        <Card
          {...(sources.length === 0
            ? {
                title: "It knows nothing yet",
                description:
                  "Add what your visitors ask about: delivery, opening hours, prices, how things work.",
              }
            : {})}
        >
          <AddSource botId={botId} uploads={uploads} actions={actions} onAdded={add} />
        </Card>
      ) : null}
      <HeldSources
        sources={waiting}
        base={routes.knowledge(tenantId, botId)}
        actions={actions}
        onChanged={readAgain}
      />
      <SourceSites sites={sites} actions={actions} onChanged={readAgain} />
      {sources.length > 0 ? (
        <Card isFlush>
          <SourceTable
            sources={sources}
            base={routes.knowledge(tenantId, botId)}
            actions={actions}
            onChanged={readAgain}
          />
          <OlderLink cursor={nextCursor} label="Older sources" />
        </Card>
      ) : canWrite || sites.length > 0 ? null : (
        <Card>
          <EmptyState title="It knows nothing yet">Nobody has added a source so far.</EmptyState>
        </Card>
      )}
    </div>
  )
  return canWrite ? <DropAnywhere uploads={uploads}>{board}</DropAnywhere> : board
}

type Live = { sources: SourceView[]; sites: CrawlView[] }

type Place = { tenantId: string; botId: string; cursor: string | null }

function useLiveSources({ tenantId, botId, cursor }: Place, initial: Live) {
  const router = useRouter()
  const [sources, setSources] = useState(initial.sources)
  const [sites, setSites] = useState(initial.sites)
  useEffect(() => setSources(initial.sources), [initial.sources])
  useEffect(() => setSites(initial.sites), [initial.sites])
  const isWaiting = ({ status }: SourceView) =>
    status === "queued" || status === "processing" || status === "checking"
  const isBusy = sources.some(isWaiting) || sites.some(isSiteBusy)

  const readAgain = useCallback(async () => {
    try {
      const [pages, websites] = await Promise.all([
        fetch(sourcesUrl(tenantId, botId, cursor)),
        fetch(sitesUrl(tenantId, botId)),
      ])
      if (pages.ok) setSources((await pages.json()).data)
      if (websites.ok) setSites((await websites.json()).data)
    } catch {
      // Offline for a moment: the next turn of the timer tries again.
    }
  }, [tenantId, botId, cursor])

  useEffect(() => {
    if (!isBusy) return
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void readAgain()
    }, pollMs)
    // When the last one is done, whatever else the page shows is out of date too.
    return () => {
      clearInterval(timer)
      router.refresh()
    }
  }, [isBusy, readAgain, router])

  const add = useCallback((source: SourceView) => {
    setSources((all) => [source, ...all.filter((one) => one.id !== source.id)])
  }, [])

  return { sources, sites, readAgain, add }
}
