import { joinClasses } from "#components/ui/class-names.ts"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { RunView } from "#lib/quality/schema.ts"

const reasons: Record<RunView["reason"], string> = {
  asked: "Run by hand",
  publish: "Before publishing",
  instructions: "Before new instructions",
  source: "Before a change of sources",
  knowledge: "Before new knowledge",
}

const share = ({ passedCount, questionCount }: RunView) =>
  questionCount === 0 ? 0 : Math.round((passedCount / questionCount) * 100)

/** How many golden questions passed, run by run. The bars repeat the table below them. */
export function RunHistory({ runs }: { runs: readonly RunView[] }) {
  const oldestFirst = runs.toReversed()
  return (
    <div className="flex flex-col gap-4">
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${Math.max(12, oldestFirst.length) * 10} 100`}
        preserveAspectRatio="none"
        className="block h-28 w-full rtl:-scale-x-100"
      >
        {[0, 50, 100].map((y) => (
          <line
            key={y}
            x1={0}
            x2={Math.max(12, oldestFirst.length) * 10}
            y1={y}
            y2={y}
            vectorEffect="non-scaling-stroke"
            className="stroke-hairline"
          />
        ))}
        {oldestFirst.map((run, i) => (
          <rect
            key={run.id}
            x={i * 10 + 2}
            y={100 - Math.max(2, share(run))}
            width={6}
            height={Math.max(2, share(run))}
            className={run.outcome === "stopped" ? "fill-danger" : "fill-action"}
          />
        ))}
      </svg>
      <ol className="flex flex-col">
        {runs.slice(0, 6).map((run) => (
          <li
            key={run.id}
            className="flex flex-wrap items-baseline gap-x-3 border-t border-hairline py-2 first:border-t-0"
          >
            <span
              className={joinClasses(
                "w-12 font-medium tabular-nums",
                run.outcome === "stopped" && "text-danger",
              )}
            >
              {share(run)} %
            </span>
            <span className="min-w-0 flex-1 basis-40">
              {run.passedCount} of {run.questionCount} passed
              <span className="text-quiet">
                {" "}
                · {reasons[run.reason]}
                {run.mode === "model" ? ", with the model" : ""}
                {run.outcome === "stopped" ? ", held back" : ""}
              </span>
            </span>
            <RelativeTime at={run.createdAt} className="text-13 text-quiet" />
          </li>
        ))}
      </ol>
    </div>
  )
}
