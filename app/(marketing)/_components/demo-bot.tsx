"use client"

import { type ReactNode, useState } from "react"
import type { Outcome } from "#components/console/command.ts"
import { type OwnTicket, WidgetFrame } from "#components/console/widget-frame.tsx"
import { Button } from "#components/ui/button.tsx"

type DemoBotProps = {
  widgetUrl: string
  openDemo: (input: Record<string, never>) => Promise<Outcome<OwnTicket>>
  /** What stands there until somebody wants to talk. */
  children: ReactNode
}

/** The demo bot itself. Nothing is fetched before someone asks for it, as on customers' pages. */
export function DemoBot({ widgetUrl, openDemo, children }: DemoBotProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <div className="mx-auto w-full max-w-[25rem]">
      {isOpen ? (
        <WidgetFrame
          widgetUrl={widgetUrl}
          title="The demo bot"
          createTicket={() => openDemo({})}
          takesFocus
          className="h-[32rem]"
        />
      ) : (
        children
      )}
      <p className="mt-3 text-center text-13 text-quiet">
        {isOpen
          ? "The real thing, with a made-up shop’s help pages. Ask about delivery or returns."
          : "What a visitor sees: the answer, and the pages it came from."}
      </p>
      {isOpen ? null : (
        <p className="mt-3 text-center">
          <Button icon="chat" onClick={() => setOpen(true)}>
            Talk to the real one
          </Button>
        </p>
      )}
    </div>
  )
}
