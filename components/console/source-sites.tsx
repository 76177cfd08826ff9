"use client"

import { useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { IconButton } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { Icon } from "#components/ui/icon.tsx"
import { Menu, MenuItem, MenuSeparator } from "#components/ui/menu.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { CrawlView, UpdateCrawlInput } from "#lib/knowledge/schema.ts"
import type { Command } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { formatNumber, formatSite, formatTimeLeft } from "./format.ts"
import { VisibilityItems, visibilityNotes } from "./source-visibility.tsx"
import { describeSchedule, scheduleOptions } from "./source-web.tsx"
import { useCommand } from "./use-command.ts"

export type SiteActions = {
  refreshSite: Command<{ crawlId: string }>
  updateSite: Command<{ crawlId: string } & UpdateCrawlInput>
  stopSite: Command<{ crawlId: string }>
  deleteSite: Command<{ crawlId: string }>
}

type SourceSitesProps = { sites: CrawlView[]; actions: SiteActions; onChanged: () => void }

export const isSiteBusy = ({ status }: CrawlView) => status === "queued" || status === "running"

/** The websites that are read as a whole: how far the reading is, what was left out and why. */
export function SourceSites({ sites, actions, onChanged }: SourceSitesProps) {
  const [doomed, setDoomed] = useState<CrawlView | null>(null)
  const remove = useCommand(actions.deleteSite, {
    doneMessage: "Deleted. Visitors get no more answers from this website.",
    onDone: () => {
      setDoomed(null)
      onChanged()
    },
  })
  if (sites.length === 0) return null
  return (
    <>
      <ul className="flex flex-col gap-3" aria-label="Websites">
        {sites.map((site) => (
          <li key={site.id}>
            <SiteCard
              site={site}
              actions={actions}
              onChanged={onChanged}
              onDelete={() => setDoomed(site)}
            />
          </li>
        ))}
      </ul>
      <ConfirmDialog
        isOpen={doomed !== null}
        onOpenChange={(isOpen) => {
          if (isOpen) return
          setDoomed(null)
          remove.clear()
        }}
        title={`Delete ${formatSite(doomed?.url ?? "")}?`}
        verb="Delete website"
        busyVerb="Deleting…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() => doomed && void remove.run({ crawlId: doomed.id })}
      >
        All {formatNumber(doomed?.pagesReady ?? 0, "page")} of it leave with everything the bot
        learned from them. This can’t be undone.
      </ConfirmDialog>
    </>
  )
}

type SiteCardProps = {
  site: CrawlView
  actions: SiteActions
  onChanged: () => void
  onDelete: () => void
}

function SiteCard({ site, actions, onChanged, onDelete }: SiteCardProps) {
  const canWrite = useCan("knowledge.write")
  const options = { isProblemToasted: true, onDone: onChanged }
  const refresh = useCommand(actions.refreshSite, options)
  const update = useCommand(actions.updateSite, options)
  const stop = useCommand(actions.stopSite, options)
  const crawlId = site.id
  const isBusy = isSiteBusy(site)
  return (
    <Card>
      <div className="flex items-start gap-3">
        <Icon name="globe" size={18} className="mt-0.5 hidden text-quiet sm:block" />
        <div className="flex min-w-0 flex-1 flex-col gap-2">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <bdi dir="ltr" className="font-medium wrap-anywhere">
              {formatSite(site.url)}
            </bdi>
            <SiteState site={site} />
          </div>
          {site.status === "running" ? <SiteProgress site={site} /> : <SiteFacts site={site} />}
          {site.error ? <p className="text-13 text-danger">{site.error}</p> : null}
          {site.notice ? <p className="text-13 text-quiet">{site.notice}</p> : null}
          {site.skippedCount > 0 ? <SkippedPages site={site} /> : null}
        </div>
        {canWrite ? (
          <Menu
            label={`Actions for ${site.url}`}
            trigger={<IconButton icon="more" label={`Actions for ${site.url}`} />}
          >
            {isBusy ? (
              <MenuItem icon="close" onSelect={() => void stop.run({ crawlId })}>
                Stop reading
              </MenuItem>
            ) : (
              <MenuItem icon="retry" onSelect={() => void refresh.run({ crawlId })}>
                Read it again now
              </MenuItem>
            )}
            {scheduleOptions
              .filter(({ value }) => value !== site.schedule)
              .map(({ value }) => (
                <MenuItem
                  key={value}
                  icon="history"
                  onSelect={() => void update.run({ crawlId, schedule: value })}
                >
                  {describeSchedule(value)}
                </MenuItem>
              ))}
            <MenuSeparator />
            <VisibilityItems
              current={site.visibility}
              onChoose={(visibility) => void update.run({ crawlId, visibility })}
            />
            <MenuSeparator />
            <MenuItem icon="trash" isDanger onSelect={onDelete}>
              Delete with all its pages
            </MenuItem>
          </Menu>
        ) : null}
      </div>
    </Card>
  )
}

function SiteState({ site }: { site: CrawlView }) {
  switch (site.status) {
    case "queued":
      return (
        <Badge tone="waiting" hasDot isBreathing>
          Waiting
        </Badge>
      )
    case "running":
      return (
        <Badge tone="waiting" hasDot isBreathing>
          Reading
        </Badge>
      )
    case "done":
      return <Badge tone="good">Ready</Badge>
    case "failed":
      return <Badge tone="bad">Failed</Badge>
    case "stopped":
      return <Badge tone="plain">Stopped</Badge>
  }
}

function SiteProgress({ site }: { site: CrawlView }) {
  return (
    <div className="flex max-w-80 flex-col gap-1.5">
      <span className="text-13 text-quiet tabular-nums">
        {site.pagesDone} of {formatNumber(site.pagesFound, "page")} found so far
        {site.secondsLeft === null ? "" : ` · ${formatTimeLeft(site.secondsLeft)}`}
      </span>
      <progress
        aria-label={`Reading ${site.url}`}
        value={site.pagesDone}
        max={Math.max(1, site.pagesFound)}
        className="h-1 w-full appearance-none overflow-hidden rounded-full bg-sunken [&::-moz-progress-bar]:bg-brass [&::-webkit-progress-bar]:bg-sunken [&::-webkit-progress-value]:bg-brass"
      />
    </div>
  )
}

function SiteFacts({ site }: { site: CrawlView }) {
  const schedule = scheduleOptions.find(({ value }) => value === site.schedule)
  return (
    <p className="text-13 text-quiet">
      {formatNumber(site.pagesReady, "page")}
      {site.schedule === "never" ? "" : ` · read ${schedule?.label.toLowerCase()}`}
      {site.finishedAt ? (
        <>
          {" · last read "}
          <RelativeTime at={site.finishedAt} />
        </>
      ) : null}
      {site.exclude.length > 0 ? ` · without ${site.exclude.join(", ")}` : ""}
      {site.visibility === "link" ? "" : ` · ${visibilityNotes[site.visibility]}`}
    </p>
  )
}

function SkippedPages({ site }: { site: CrawlView }) {
  return (
    <details className="text-13">
      <summary className="cursor-pointer text-quiet">
        {formatNumber(site.skippedCount, "page")} left out
      </summary>
      <ul className="mt-2 flex flex-col gap-1.5">
        {site.skipped.map(({ url, reason }) => (
          <li key={url}>
            <bdi dir="ltr" className="wrap-anywhere">
              {formatSite(url)}
            </bdi>
            <span className="block text-quiet">{reason}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}
