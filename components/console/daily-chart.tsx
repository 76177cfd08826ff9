"use client"

import { useState } from "react"
import { joinClasses } from "#components/ui/class-names.ts"
import { niceMax } from "./axis.ts"
import { formatCount, formatDay } from "./format.ts"
import { formatMoney } from "./money.ts"

export type DayFigure = { date: string; value: number }

type DailyChartProps = {
  days: DayFigure[]
  /** What is counted: "Conversations". */
  label: string
  /** Set when the values are minor units of money. */
  currency?: string
  /** Where the sum of the days is not it: rounded amounts do not add up. */
  total?: number
}

/** Bars for the last days. The same figures stand in a table for whoever can't see bars. */
export function DailyChart({ days, label, currency, total }: DailyChartProps) {
  const [at, setAt] = useState<number | null>(null)
  const max = niceMax(Math.max(0, ...days.map((day) => day.value)))
  const sum = total ?? days.reduce((all, day) => all + day.value, 0)
  const show = (value: number) => (currency ? formatMoney(value, currency) : formatCount(value))
  const shown = at === null ? null : days[at]
  return (
    <figure>
      <figcaption className="mb-4 flex items-baseline justify-between gap-4">
        <span className="font-medium">{label} a day</span>
        <span className="text-13 text-quiet tabular-nums" aria-hidden="true">
          {shown
            ? `${formatDay(shown.date)}: ${show(shown.value)}`
            : `${show(sum)} in ${days.length} days`}
        </span>
      </figcaption>
      <div aria-hidden="true" className="flex gap-2">
        <div className="min-w-0 flex-1">
          {/* Stretched to whatever room there is; the words around it are not, so they keep their size. */}
          <svg
            aria-hidden="true"
            viewBox={`0 0 ${days.length * 10} 100`}
            preserveAspectRatio="none"
            className="block h-40 w-full rtl:-scale-x-100"
            onPointerLeave={() => setAt(null)}
          >
            {[0, 50, 100].map((y) => (
              <line
                key={y}
                x1={0}
                x2={days.length * 10}
                y1={y}
                y2={y}
                vectorEffect="non-scaling-stroke"
                className="stroke-hairline"
              />
            ))}
            {days.map((day, index) => {
              const height = day.value === 0 ? 0 : Math.max(2, (day.value / max) * 100)
              return (
                <g key={day.date} onPointerEnter={() => setAt(index)}>
                  <rect x={index * 10} y={0} width={10} height={100} fill="transparent" />
                  <rect
                    x={index * 10 + 2}
                    y={100 - height}
                    width={6}
                    height={height}
                    className={joinClasses(
                      "transition-colors",
                      at === null || at === index ? "fill-action" : "fill-action/45",
                    )}
                  />
                </g>
              )
            })}
          </svg>
          <div className="mt-2 flex justify-between text-13 text-quiet">
            {[days[0], days[Math.floor(days.length / 2)], days.at(-1)].map((day) =>
              day ? <span key={day.date}>{formatDay(day.date)}</span> : null,
            )}
          </div>
        </div>
        <div className="-my-2.5 flex h-[11.25rem] flex-col justify-between text-end text-13 text-quiet tabular-nums">
          <span>{show(max)}</span>
          <span>{max > 1 ? show(max / 2) : ""}</span>
          <span>{show(0)}</span>
        </div>
      </div>
      {/* A table does not shrink to one pixel by itself: its box does the hiding. */}
      <div className="sr-only">
        <table>
          <caption>{label} a day</caption>
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">{label}</th>
            </tr>
          </thead>
          <tbody>
            {days.map((day) => (
              <tr key={day.date}>
                <th scope="row">{formatDay(day.date)}</th>
                <td>{show(day.value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}
