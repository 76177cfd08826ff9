"use client"

import { useEffect, useRef, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { TagMark } from "#components/ui/tag.tsx"
import { formatSite } from "./format.ts"

/** Shown once, when the first visit comes in while the owner is watching. */
export function Celebration({ seenOrigin }: { seenOrigin: string | null }) {
  const wasWaiting = useRef(seenOrigin === null)
  const [isShown, setShown] = useState(false)
  useEffect(() => {
    if (!wasWaiting.current || seenOrigin === null) return
    wasWaiting.current = false
    setShown(true)
  }, [seenOrigin])
  return (
    <div role="status">
      {isShown && seenOrigin ? (
        <div className="mb-6 flex flex-wrap items-center gap-5 rounded-card border border-brass bg-brass-tint px-6 py-5">
          <TagMark height={64} number="1" className="origin-top animate-drop -rotate-6" />
          <div className="min-w-0 flex-1 basis-56">
            <h2 className="text-20 font-semibold">You’re live on {formatSite(seenOrigin)}</h2>
            <p>The first visit just came in. From now on, this page shows how it is doing.</p>
          </div>
          <Button onClick={() => setShown(false)}>Got it</Button>
        </div>
      ) : null}
    </div>
  )
}
