"use client"

import { type ReactNode, useState } from "react"
import type { IncidentHour } from "#lib/incidents/schema.ts"
import { niceMax } from "./axis.ts"
import { formatCount, formatNumber } from "./format.ts"

/** Chats opened and people turned away, hour by hour. The same figures stand in a table. */
export function IncidentChart({ hours }: { hours: IncidentHour[] }) {
  const [at, setAt] = useState<number | null>(null)
  const max = niceMax(Math.max(0, ...hours.flatMap((hour) => [hour.sessions, hour.refusals])))
  const shown = at === null ? null : hours[at]
  const sessions = hours.reduce((sum, hour) => sum + hour.sessions, 0)
  const refusals = hours.reduce((sum, hour) => sum + hour.refusals, 0)
  const nameOf = (index: number) => {
    const age = hours.length - 1 - index
    return age === 0 ? "This hour" : `${formatNumber(age, "hour")} ago`
  }
  return (
    <figure>
      <figcaption className="mb-4 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <span className="flex flex-wrap gap-x-4 text-13" aria-hidden="true">
          <Legend className="bg-action">Chats opened: {formatCount(sessions)}</Legend>
          <Legend className="bg-danger">Turned away: {formatCount(refusals)}</Legend>
        </span>
        <span className="text-13 text-quiet tabular-nums" aria-hidden="true">
          {shown && at !== null
            ? `${nameOf(at)}: ${formatNumber(shown.sessions, "chat")}, ${formatCount(shown.refusals)} turned away`
            : "24 hours"}
        </span>
      </figcaption>
      <div aria-hidden="true" className="flex gap-2">
        <div className="min-w-0 flex-1">
          <svg
            aria-hidden="true"
            viewBox={`0 0 ${hours.length * 10} 100`}
            preserveAspectRatio="none"
            className="block h-36 w-full rtl:-scale-x-100"
            onPointerLeave={() => setAt(null)}
          >
            {[0, 50, 100].map((y) => (
              <line
                key={y}
                x1={0}
                x2={hours.length * 10}
                y1={y}
                y2={y}
                vectorEffect="non-scaling-stroke"
                className="stroke-hairline"
              />
            ))}
            {hours.map((hour, index) => (
              <g
                key={hour.hour}
                onPointerEnter={() => setAt(index)}
                opacity={at === null || at === index ? 1 : 0.45}
              >
                <rect x={index * 10} y={0} width={10} height={100} fill="transparent" />
                <Bar x={index * 10 + 1.5} value={hour.sessions} max={max} className="fill-action" />
                <Bar x={index * 10 + 5} value={hour.refusals} max={max} className="fill-danger" />
              </g>
            ))}
          </svg>
          <div className="mt-2 flex justify-between text-13 text-quiet">
            <span>24 hours ago</span>
            <span>12 hours ago</span>
            <span>Now</span>
          </div>
        </div>
        <div className="-my-2.5 flex h-[10.25rem] flex-col justify-between text-end text-13 text-quiet tabular-nums">
          <span>{formatCount(max)}</span>
          <span>{formatCount(max / 2)}</span>
          <span>0</span>
        </div>
      </div>
      {/* A table does not shrink to one pixel by itself: its box does the hiding. */}
      <div className="sr-only">
        <table>
          <caption>Chats opened and people turned away, by hour</caption>
          <thead>
            <tr>
              <th scope="col">Hour</th>
              <th scope="col">Chats opened</th>
              <th scope="col">Turned away</th>
            </tr>
          </thead>
          <tbody>
            {hours.map((hour, index) => (
              <tr key={hour.hour}>
                <th scope="row">{nameOf(index)}</th>
                <td>{hour.sessions}</td>
                <td>{hour.refusals}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}

function Legend({ className, children }: { className: string; children: ReactNode }) {
  return (
    <span className="inline-flex items-center gap-2">
      <span className={`size-2.5 rounded-full ${className}`} />
      <span className="tabular-nums">{children}</span>
    </span>
  )
}

type BarProps = { x: number; value: number; max: number; className: string }

function Bar({ x, value, max, className }: BarProps) {
  const height = value === 0 ? 0 : Math.max(2, (value / max) * 100)
  return <rect x={x} y={100 - height} width={3.5} height={height} className={className} />
}
