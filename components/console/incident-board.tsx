"use client"

import Link from "next/link"
import { Badge } from "#components/ui/badge.tsx"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { Icon } from "#components/ui/icon.tsx"
import { CheckRaisedNotice } from "./check-raised-notice.tsx"
import { useConsole } from "./console-context.tsx"
import { formatCount, formatNumber, formatSite } from "./format.ts"
import type { IncidentActions } from "./incident-actions.ts"
import { IncidentAddresses, KeptOut } from "./incident-addresses.tsx"
import { IncidentChart } from "./incident-chart.tsx"
import { type IncidentFacts, listSteps, writeReport } from "./incident-facts.ts"
import { IncidentLimits } from "./incident-limits.tsx"
import { IncidentSwitch } from "./incident-switch.tsx"
import { IncidentVisitors } from "./incident-visitors.tsx"
import { formatMoney } from "./money.ts"
import { OldLineNotice } from "./old-line-notice.tsx"
import { formatRefusal } from "./refusal-reasons.ts"
import { routes } from "./routes.ts"
import { saveFile } from "./save-file.ts"

type IncidentBoardProps = { botId: string; facts: IncidentFacts; actions: IncidentActions }

/** Is this tag being abused? What is going on, and everything that stops it, on one page. */
export function IncidentBoard({ botId, facts, actions }: IncidentBoardProps) {
  const { tenantId } = useConsole()
  const { embedKey, incident, sites } = facts
  return (
    <div className="flex flex-col gap-6">
      <div>
        <Link
          href={routes.embed(tenantId, botId)}
          className="inline-flex min-h-8 items-center gap-1.5 text-13 font-medium text-quiet hover:text-ink"
        >
          <Icon name="back" size={16} className="rtl:rotate-180" />
          All tags
        </Link>
        <h2 className="mt-1 text-20 font-semibold">Is this tag being abused?</h2>
        <p className="mt-1 max-w-prose text-quiet">
          The last 24 hours. Far more chats than usual, or many people turned away, are signs of it.
          If in doubt, replace the line: it costs you one paste.
        </p>
      </div>
      <IncidentSwitch facts={facts} actions={actions} />
      <CheckRaisedNotice embedKey={embedKey} update={actions.updateKey} />
      <OldLineNotice embedKey={embedKey} sites={sites} />
      <Card>
        <IncidentChart hours={incident.hours} />
      </Card>
      <div className="grid items-start gap-6 lg:grid-cols-2">
        <Websites facts={facts} />
        <Card title="Turned away" description="And why. None of them got an answer.">
          {incident.refusals.length === 0 ? (
            <p className="text-quiet">Nobody in 24 hours.</p>
          ) : (
            <Counts
              rows={incident.refusals.map(({ reason, count }) => [
                reason,
                formatRefusal(reason),
                formatCount(count),
              ])}
            />
          )}
        </Card>
        <IncidentAddresses embedKey={embedKey} incident={incident} actions={actions} />
        <KeptOut embedKey={embedKey} incident={incident} actions={actions} />
      </div>
      <IncidentVisitors incident={incident} actions={actions} />
      <div className="grid items-start gap-6 lg:grid-cols-2">
        <Money facts={facts} />
        <IncidentLimits
          embedKey={embedKey}
          currency={facts.spend.currency}
          update={actions.updateKey}
        />
      </div>
      <Checklist facts={facts} />
    </div>
  )
}

function Websites({ facts: { embedKey, incident } }: { facts: IncidentFacts }) {
  return (
    <Card title="Websites" description="Where the chats were opened.">
      {incident.websites.length === 0 ? (
        <p className="text-quiet">No chat was opened in 24 hours.</p>
      ) : (
        <Counts
          rows={incident.websites.map(({ origin, sessions }) => [
            origin,
            formatSite(origin),
            formatNumber(sessions, "chat"),
          ])}
        />
      )}
      {embedKey.allowedOrigins.some((address) => address.includes("*")) ? (
        <p className="mt-3 text-13 text-quiet">
          A website with a star lets in everything below it. Name yours one by one if you can.
        </p>
      ) : null}
    </Card>
  )
}

function Counts({ rows }: { rows: [key: string, label: string, count: string][] }) {
  return (
    <ul className="-my-2 divide-y divide-hairline">
      {rows.map(([key, label, count]) => (
        <li key={key} className="flex items-baseline justify-between gap-4 py-2">
          <span className="min-w-0 wrap-anywhere">{label}</span>
          <span className="shrink-0 text-13 text-quiet tabular-nums">{count}</span>
        </li>
      ))}
    </ul>
  )
}

function Money({ facts: { spend } }: { facts: IncidentFacts }) {
  const money = (minor: number) => formatMoney(minor, spend.currency)
  return (
    <Card title="Money">
      <dl className="grid grid-cols-2 gap-4">
        <div>
          <dt className="text-13 text-quiet">Spent this month</dt>
          <dd className="text-28 font-semibold tabular-nums">{money(spend.spentMinor)}</dd>
          <dd className="text-13 text-quiet">of {money(spend.capMinor)}</dd>
        </div>
        <div>
          <dt className="text-13 text-quiet">Today</dt>
          <dd className="text-28 font-semibold tabular-nums">{money(spend.todayMinor)}</dd>
          <dd className="text-13 text-quiet">of {money(spend.dayCapMinor)} a day</dd>
        </div>
      </dl>
      <p className="mt-4 border-t border-hairline pt-4">
        {spend.hasModel ? (
          <>
            The most a stolen copy of this tag can cost in a day at these settings:{" "}
            <strong className="whitespace-nowrap">{money(spend.worstDayMinor)}</strong>
          </>
        ) : (
          "Answers quote your sources and use no language model, so a stolen copy costs nothing."
        )}
      </p>
    </Card>
  )
}

function Checklist({ facts }: { facts: IncidentFacts }) {
  const download = () => {
    const at = new Date()
    const name = `tag-${facts.embedKey.key.slice(-4)}-${at.toISOString().slice(0, 10)}.txt`
    saveFile(name, writeReport(facts, at), "text/plain")
  }
  return (
    <Card
      title="Before you close this page"
      action={
        <Button icon="down" onClick={download}>
          Download report
        </Button>
      }
    >
      <ul className="-my-2 divide-y divide-hairline">
        {listSteps(facts).map((step) => (
          <li
            key={step.label}
            className="flex flex-wrap items-start justify-between gap-x-4 gap-y-1 py-2.5"
          >
            <span className="min-w-0 flex-1 basis-56">
              <span className="block font-medium">{step.label}</span>
              <span className="block text-13 text-quiet wrap-anywhere">{step.note}</span>
            </span>
            {step.isDone ? (
              <Badge tone="good" hasDot>
                Done
              </Badge>
            ) : (
              <Badge>Not yet</Badge>
            )}
          </li>
        ))}
      </ul>
    </Card>
  )
}
