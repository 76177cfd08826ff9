"use client"

import { useCallback, useEffect, useRef, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { Notice } from "#components/ui/notice.tsx"
import { Skeleton } from "#components/ui/skeleton.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { FrameMessage, PageFacts, TicketAnswer } from "#lib/embed/protocol.ts"
import type { Command } from "./command.ts"
import { useConsole } from "./console-context.tsx"

export type PreviewTicket = { ticket: string; key: string; expiresIn: number }
export type CreatePreviewTicket = Command<{ botId: string }, PreviewTicket>

type PreviewFrameProps = {
  bot: BotView
  createTicket: CreatePreviewTicket
  className?: string
}

const handshakeMs = 10_000

/**
 * The real widget in its real frame, opened with a preview ticket. Speaks the loader's protocol: the
 * frame says it is ready, and gets its ticket and a port addressed to exactly the widget's origin.
 */
export function PreviewFrame({ bot, createTicket, className }: PreviewFrameProps) {
  const [attempt, setAttempt] = useState(0)
  return (
    <div className={joinClasses("relative flex flex-col", className)}>
      <Frame
        key={`${bot.id}-${bot.updatedAt}-${attempt}`}
        bot={bot}
        createTicket={createTicket}
        onRetry={() => setAttempt(attempt + 1)}
      />
    </div>
  )
}

type FrameProps = { bot: BotView; createTicket: CreatePreviewTicket; onRetry: () => void }
type State =
  | { name: "asking" | "loading" | "ready"; key?: string }
  | { name: "failed"; title: string; detail: string }

function Frame({ bot, createTicket, onRetry }: FrameProps) {
  const { tenantId, widgetUrl } = useConsole()
  const frame = useRef<HTMLIFrameElement>(null)
  const first = useRef<TicketAnswer | null>(null)
  const [state, setState] = useState<State>({ name: "asking" })
  // A page that re-reads itself hands down a new reference to the same action: no reason to start over.
  const create = useRef(createTicket)
  create.current = createTicket

  const buyTicket = useCallback(async (): Promise<TicketAnswer & { key?: string }> => {
    try {
      const outcome = await create.current(tenantId, { botId: bot.id })
      if (outcome.ok) return { ...outcome.data, status: 201 }
      const { code, title, detail } = outcome.problem
      return { status: 403, code, detail: `${title} ${detail}` }
    } catch {
      return { status: 0 }
    }
  }, [tenantId, bot.id])

  useEffect(() => {
    let isCurrent = true
    void buyTicket().then((answer) => {
      if (!isCurrent) return
      if (!answer.ticket || !answer.key) {
        setState({
          name: "failed",
          title: "The preview could not be opened.",
          detail: answer.detail ?? "Check your connection and try again.",
        })
        return
      }
      const { key, ...ticket } = answer
      first.current = ticket
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
          title: "The preview did not answer.",
          detail: "Something may block frames in this browser. Try again, or look at your website.",
        }),
      handshakeMs,
    )
    return () => clearTimeout(timer)
  }, [state.name])

  useEffect(() => {
    const widgetOrigin = new URL(widgetUrl).origin
    const pageFacts = (): PageFacts => ({
      url: `${location.origin}${location.pathname}`,
      title: "Preview",
      language: navigator.language,
    })
    async function answer(event: MessageEvent) {
      const target = frame.current?.contentWindow
      if (!target || event.source !== target || event.origin !== widgetOrigin) return
      if (event.data?.type !== "coatcheck:ready") return
      // A ticket is good for one use: a frame that reloads itself gets a new one.
      const ticket = first.current ?? (await buyTicket())
      first.current = null
      const channel = new MessageChannel()
      channel.port1.onmessage = async ({ data }: MessageEvent<FrameMessage>) => {
        if (data.type !== "ticket") return
        const { ticket: next, expiresIn, status, code, detail } = await buyTicket()
        channel.port1.postMessage({
          type: "ticket",
          ticket: next,
          expiresIn,
          status,
          code,
          detail,
          page: pageFacts(),
        })
      }
      const { name, color, position, label, greeting, locale } = bot
      target.postMessage(
        {
          type: "coatcheck:ticket",
          ticket: ticket.ticket,
          expiresIn: ticket.expiresIn,
          status: ticket.status,
          page: pageFacts(),
          look: { enabled: true, name, color, position, label, greeting, locale },
          isOpen: true,
          isFullScreen: false,
        },
        widgetOrigin,
        [channel.port2],
      )
      setState((was) => ({ ...was, name: "ready" }) as State)
    }
    window.addEventListener("message", answer)
    return () => window.removeEventListener("message", answer)
  }, [widgetUrl, bot, buyTicket])

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
          title={`Preview of ${bot.name}`}
          // The fragment only tells the frame where to address its first, empty message.
          src={`${widgetUrl}/embed?key=${encodeURIComponent(state.key)}&via=ours#${location.origin}`}
          sandbox="allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox"
          className="absolute inset-0 size-full"
        />
      ) : null}
      {state.name === "ready" ? null : (
        <div role="status" className="absolute inset-0 flex flex-col gap-3 bg-card p-5">
          <span className="sr-only">Opening the preview</span>
          <Skeleton className="h-6 w-40" />
          <Skeleton className="h-16 w-4/5" />
          <Skeleton className="h-10 w-3/5" />
        </div>
      )}
    </div>
  )
}
