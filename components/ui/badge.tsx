import type { ReactNode } from "react"
import { joinClasses } from "./class-names.ts"

type Tone = "good" | "waiting" | "bad" | "plain"

const tones: Record<Tone, string> = {
  good: "bg-action-tint text-action",
  waiting: "bg-brass-tint text-brass-ink",
  bad: "bg-danger-tint text-danger",
  plain: "bg-sunken text-quiet",
}

/** A state in one or two words. The dot repeats the tone; the words carry it. */
export function Badge({
  tone = "plain",
  hasDot = false,
  isBreathing = false,
  children,
}: BadgeProps) {
  return (
    <span
      className={joinClasses(
        "inline-flex items-center gap-1.5 whitespace-nowrap rounded-tag px-2 py-0.5 text-13 font-medium",
        tones[tone],
      )}
    >
      {hasDot ? (
        <span
          aria-hidden="true"
          className={joinClasses(
            "size-1.5 rounded-full bg-current",
            isBreathing && "animate-breathe",
          )}
        />
      ) : null}
      {children}
    </span>
  )
}

type BadgeProps = { tone?: Tone; hasDot?: boolean; isBreathing?: boolean; children: ReactNode }
