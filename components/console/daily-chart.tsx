"use client"

import { useState } from "react"
import { formatCount, formatDay } from "./format.ts"

export type DayFigure = { date: string; value: number }

type DailyChartProps = {
  days: DayFigure[]
  /** What is counted: "Conversations". */
  label: string
}

const width = 720
const height = 180
const base = height - 24

/** Bars for the last days. The same figures stand in a table for whoever can't see bars. */
export function DailyChart({ days, label }: DailyChartProps) {
  const [at, setAt] = useState<number | null>(null)
  const max = niceMax(Math.max(0, ...days.map((day) => day.value)))
  const step = width / Math.max(1, days.length)
  const bar = Math.min(16, step * 0.66)
  const total = days.reduce((sum, day) => sum + day.value, 0)
  const shown = at === null ? null : days[at]
  return (
    <figure>
      <figcaption className="mb-3 flex items-baseline justify-between gap-4">
        <span className="font-medium">{label} a day</span>
        <span className="text-13 text-quiet tabular-nums" aria-hidden="true">
          {shown
            ? `${formatDay(shown.date)}: ${formatCount(shown.value)}`
            : `${formatCount(total)} in ${days.length} days`}
        </span>
      </figcaption>
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${width} ${height}`}
        className="block w-full overflow-visible"
        onPointerLeave={() => setAt(null)}
      >
        {[0, 0.5, 1].map((share) => {
          const y = base - share * (base - 12)
          return (
            <g key={share}>
              <line x1={0} x2={width} y1={y} y2={y} className="stroke-hairline" />
              {share > 0 && max > 1 ? (
                <text x={width} y={y - 4} textAnchor="end" className="fill-quiet text-13">
                  {formatCount(max * share)}
                </text>
              ) : null}
            </g>
          )
        })}
        {days.map((day, index) => {
          const barHeight = day.value === 0 ? 0 : Math.max(3, (day.value / max) * (base - 12))
          return (
            <g key={day.date} onPointerEnter={() => setAt(index)}>
              <rect x={index * step} y={0} width={step} height={height} fill="transparent" />
              <rect
                x={index * step + (step - bar) / 2}
                y={base - barHeight}
                width={bar}
                height={barHeight}
                rx={2}
                className={at === index ? "fill-action-hover" : "fill-action"}
              />
            </g>
          )
        })}
        {[0, Math.floor(days.length / 2), days.length - 1].map((index) => {
          const day = days[index]
          return day ? (
            <text
              key={day.date}
              x={index === 0 ? 0 : index === days.length - 1 ? width : (index + 0.5) * step}
              y={height - 6}
              textAnchor={index === 0 ? "start" : index === days.length - 1 ? "end" : "middle"}
              className="fill-quiet text-13"
            >
              {formatDay(day.date)}
            </text>
          ) : null
        })}
      </svg>
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
                <td>{day.value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}

/** The next round number an axis can end on: 1, 2, 4, 10, 20, 40, 100 … */
export function niceMax(value: number): number {
  if (value <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 4, 10].find((factor) => factor * power >= value) ?? 10) * power
}
