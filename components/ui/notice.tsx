import type { ReactNode } from "react"
import { joinClasses } from "./class-names.ts"
import { Icon, type IconName } from "./icon.tsx"

type NoticeProps = {
  tone?: "plain" | "waiting" | "bad" | "good"
  title?: string
  children?: ReactNode
  action?: ReactNode
  icon?: IconName
}

const tones = {
  plain: "border-hairline bg-sunken",
  good: "border-action/40 bg-action-tint",
  waiting: "border-brass bg-brass-tint",
  bad: "border-danger/50 bg-danger-tint",
} as const

/** A sentence that stays: what happened, what it means, what to do. Bad news is announced. */
export function Notice({ tone = "plain", title, children, action, icon }: NoticeProps) {
  return (
    <div
      {...(tone === "bad" ? { role: "alert" } : {})}
      className={joinClasses(
        "flex flex-wrap items-center gap-3 rounded-control border px-4 py-3",
        tones[tone],
      )}
    >
      {icon ? <Icon name={icon} size={18} className={tone === "bad" ? "text-danger" : ""} /> : null}
      <div className="min-w-0 flex-1 basis-56 text-14">
        {title ? <p className="font-semibold">{title}</p> : null}
        {children ? <div>{children}</div> : null}
      </div>
      {action}
    </div>
  )
}
