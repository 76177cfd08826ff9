"use client"

import { useCallback, useEffect, useRef, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { Notice } from "#components/ui/notice.tsx"
import { Skeleton } from "#components/ui/skeleton.tsx"
import type { FrameMessage, Look, PageFacts, TicketAnswer } from "#lib/embed/protocol.ts"
import { type Outcome, offlineProblem } from "./command.ts"

export type OwnTicket = { ticket: string; key: string; expiresIn: number }

type WidgetFrameProps = {
  widgetUrl: string
  title: string
  /** A fresh ticket for a frame on our own pages. */
  createTicket: () => Promise<Outcome<OwnTicket>>
  /** For the first paint, before the session brings the bot's look. */
  look?: Look
  /** For a frame that somebody just asked for: what they clicked is gone. */
  takesFocus?: boolean
  className?: string
}

const handshakeMs = 10_000

/**
 * The real widget in its real frame, on one of our own pages. Speaks the loader's protocol: the frame
 * says it is ready, and gets its ticket and a port addressed to exactly the widget's origin.
 */
export function WidgetFrame({ className, ...rest }: WidgetFrameProps) {
  const [attempt, setAttempt] = useState(0)
  return (
    <div className={joinClasses("relative flex flex-col", className)}>
      <Frame key={attempt} {...rest} onRetry={() => setAttempt(attempt + 1)} />
    </div>
  )
}

type FrameProps = Omit<WidgetFrameProps, "className"> & { onRetry: () => void }
type State =
  | { name: "asking" | "loading" | "ready"; key?: string }
  | { name: "failed"; title: string; detail: string }

function Frame({ widgetUrl, title, createTicket, look, takesFocus, onRetry }: FrameProps) {
  const frame = useRef<HTMLIFrameElement>(null)
  const first = useRef<TicketAnswer | null>(null)
  const [state, setState] = useState<State>({ name: "asking" })
  // A page that re-reads itself hands down new references to the same things: no reason to start over.
  const latest = useRef({ createTicket, look })
  latest.current = { createTicket, look }

  const buyTicket = useCallback(async (): Promise<TicketAnswer & { key?: string }> => {
    const outcome = await latest.current
      .createTicket()
      .catch((): Outcome<OwnTicket> => ({ ok: false, problem: offlineProblem }))
    if (outcome.ok) return { ...outcome.data, status: 201 }
    const { code, title, detail } = outcome.problem
    const status = code === "offline" ? 0 : code === "rate_limited" ? 429 : 403
    return { status, code, detail: `${title} ${detail}` }
  }, [])

  useEffect(() => {
    let isCurrent = true
    void buyTicket().then(({ key, ...answer }) => {
      if (!isCurrent) return
      if (!answer.ticket || !key) {
        setState({
          name: "failed",
          title: "The chat could not be opened.",
          detail: answer.detail ?? "Check your connection and try again.",
        })
        return
      }
      first.current = answer
      setState({ name: "loading", key })
    })
    return () => {
      isCurrent = false
    }
  }, [buyTicket])

  useEffect(() => {
    if (state.name !== "loading") return
    const timer = setTimeout(
      () =>
        setState({
          name: "failed",
          title: "The chat did not answer.",
          detail: "Something may block frames in this browser. Try again, or use another one.",
        }),
      handshakeMs,
    )
    return () => clearTimeout(timer)
  }, [state.name])

  useEffect(() => {
    const widgetOrigin = new URL(widgetUrl).origin
    const pageFacts = (): PageFacts => ({
      url: `${location.origin}${location.pathname}`,
      title,
      language: navigator.language,
    })
    async function answer(event: MessageEvent) {
      const target = frame.current?.contentWindow
      if (!target || event.source !== target || event.origin !== widgetOrigin) return
      if (event.data?.type !== "coatcheck:ready") return
      // A ticket is good for one use: a frame that reloads itself gets a new one.
      const { key: _, ...ticket } = first.current
        ? { ...first.current, key: undefined }
        : await buyTicket()
      first.current = null
      const channel = new MessageChannel()
      channel.port1.onmessage = async ({ data }: MessageEvent<FrameMessage>) => {
        if (data.type !== "ticket") return
        const { key: _, ...next } = await buyTicket()
        channel.port1.postMessage({ type: "ticket", ...next, page: pageFacts() })
      }
      target.postMessage(
        {
          type: "coatcheck:ticket",
          ...ticket,
          page: pageFacts(),
          look: latest.current.look,
          isOpen: true,
          isFullScreen: false,
        },
        widgetOrigin,
        [channel.port2],
      )
      if (takesFocus) {
        frame.current?.focus()
        channel.port1.postMessage({ type: "open" })
      }
      setState((was) => ({ ...was, name: "ready" }) as State)
    }
    window.addEventListener("message", answer)
    return () => window.removeEventListener("message", answer)
  }, [widgetUrl, title, takesFocus, buyTicket])

  if (state.name === "failed") {
    return (
      <Notice
        tone="bad"
        title={state.title}
        action={
          <Button size="small" icon="retry" onClick={onRetry}>
            Try again
          </Button>
        }
      >
        {state.detail}
      </Notice>
    )
  }
  return (
    <div className="relative flex-1 overflow-hidden rounded-card border border-hairline bg-card">
      {state.key ? (
        <iframe
          ref={frame}
          title={title}
          // The fragment only tells the frame where to address its first, empty message.
          src={`${widgetUrl}/embed?key=${encodeURIComponent(state.key)}&via=ours#${location.origin}`}
          sandbox="allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox"
          className="absolute inset-0 size-full"
        />
      ) : null}
      {state.name === "ready" ? null : (
        <div role="status" className="absolute inset-0 flex flex-col gap-3 bg-card p-5">
          <span className="sr-only">Opening the chat</span>
          <Skeleton className="h-6 w-40" />
          <Skeleton className="h-16 w-4/5" />
          <Skeleton className="h-10 w-3/5" />
        </div>
      )}
    </div>
  )
}
