import type { ReactNode } from "react"
import { joinClasses } from "./class-names.ts"

/** The cloakroom tag: a rounded rectangle with an eyelet and a number. Logo and empty states use it. */
export function TagMark({ number = "7", height = 28, look = "brass", className }: TagMarkProps) {
  const isOutline = look === "outline"
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 40 52"
      height={height}
      width={(height * 40) / 52}
      className={joinClasses("shrink-0", className)}
    >
      {/* One path with the eyelet cut out, so whatever lies behind shows through it. */}
      <path
        fillRule="evenodd"
        d="M9 1h22a8 8 0 0 1 8 8v34a8 8 0 0 1-8 8H9a8 8 0 0 1-8-8V9a8 8 0 0 1 8-8Zm11 6.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z"
        className={isOutline ? "fill-brass-tint stroke-brass" : "fill-brass"}
        strokeWidth={isOutline ? 1.5 : 0}
      />
      <text
        x="20"
        y="40"
        textAnchor="middle"
        className={isOutline ? "fill-brass-ink" : "fill-on-brass"}
        style={{ font: "600 20px var(--font-sans)", fontVariantNumeric: "tabular-nums" }}
      >
        {number}
      </text>
    </svg>
  )
}

type TagMarkProps = {
  number?: string
  height?: number
  look?: "brass" | "outline"
  className?: string
}

/** The product's name with its mark. */
export function Wordmark({ className }: { className?: string }) {
  return (
    <span
      className={joinClasses("inline-flex items-center gap-2.5 text-16 font-semibold", className)}
    >
      <TagMark height={26} />
      Coatcheck
    </span>
  )
}

type KeyTagProps = {
  lastFour: string
  name: string
  isOn: boolean
  note?: ReactNode
  /** The switch, and whatever else acts on this tag. */
  children?: ReactNode
}

/** An embed key as it hangs on the rail: eyelet, last four characters, name, switch. */
export function KeyTag({ lastFour, name, isOn, note, children }: KeyTagProps) {
  return (
    <div
      className={joinClasses(
        "flex flex-wrap items-center gap-x-4 gap-y-3 rounded-tag border px-4 py-3 transition-colors",
        isOn ? "border-brass bg-brass-tint" : "border-dashed border-edge bg-sunken",
      )}
    >
      <span
        aria-hidden="true"
        className={joinClasses(
          "size-4 shrink-0 rounded-full border-2 bg-card",
          isOn ? "border-brass" : "border-edge",
        )}
      />
      <span
        className={joinClasses(
          "font-mono text-20 font-semibold tracking-wider",
          isOn ? "text-brass-ink" : "text-quiet line-through",
        )}
      >
        <span className="sr-only">ends in </span>
        {lastFour}
      </span>
      <span className="min-w-0 flex-1 basis-32">
        <span className="block font-medium wrap-anywhere">{name}</span>
        {note ? <span className="block text-13 text-quiet">{note}</span> : null}
      </span>
      {children ? <span className="ms-auto flex items-center gap-3">{children}</span> : null}
    </div>
  )
}
