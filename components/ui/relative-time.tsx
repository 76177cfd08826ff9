"use client"

import { useEffect, useState } from "react"
import { formatAge } from "./age.ts"

const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" })

/** Relative, with the exact moment on hover in the reader's own time zone; stays right as time passes. */
export function RelativeTime({ at, className }: { at: string; className?: string }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <time
      dateTime={at}
      title={exact.format(new Date(at))}
      // The server's clock and zone differ from the reader's; the effect above puts both right.
      suppressHydrationWarning
      className={className}
    >
      {formatAge(at, now)}
    </time>
  )
}
