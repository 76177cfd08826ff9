import { useEffect, useState } from "preact/hooks"
import type { Chat, ChatState } from "./chat.ts"
import { fill, type Speech } from "./texts.ts"
import type { Trouble } from "./trouble.ts"

/** Above the composer: offline, chat closed, or why the words are still in the composer. */
export function Notice({ state, chat, speech }: { state: ChatState; chat: Chat; speech: Speech }) {
  const { bot, phase, trouble, isOnline } = state
  const { texts } = speech
  if (!isOnline) {
    return (
      <div class="notice" role="alert">
        <p>{texts.offline}</p>
      </div>
    )
  }
  if (!trouble) return null
  return (
    <div class="notice" role="alert">
      <p dir="auto">
        <TroubleText trouble={trouble} speech={speech} note={bot.limitNote} />
      </p>
      {phase === "closed" && (
        <button type="button" class="button" onClick={chat.connect}>
          {texts.retry}
        </button>
      )}
    </div>
  )
}

/**
 * What went wrong, and a way to try again once that makes sense. Our sentence in the visitor's language, but
 * the owner's where they wrote one for a used-up day, and the server's where it knows more (which field).
 */
export function TroubleText({
  trouble,
  speech,
  note,
  onRetry,
}: {
  trouble: Trouble
  speech: Speech
  /** The owner's words for a used-up day. */
  note: string | undefined
  onRetry?: () => void
}) {
  const { texts, locale } = speech
  const seconds = useCountdown(trouble.retryAt)
  const told = trouble.kind === "day" ? note : trouble.kind === "invalid" && trouble.detail
  const text =
    trouble.kind === "rate" && seconds > 0
      ? fill(texts.rateUntil, describeWait(seconds, locale))
      : told || texts[trouble.kind]
  return (
    <>
      {text}{" "}
      {onRetry && seconds === 0 && (
        <button type="button" class="link" onClick={onRetry}>
          {texts.retry}
        </button>
      )}
    </>
  )
}

function describeWait(seconds: number, locale: string): string {
  const format = new Intl.RelativeTimeFormat(locale)
  return seconds < 90
    ? format.format(seconds, "second")
    : format.format(Math.ceil(seconds / 60), "minute")
}

function useCountdown(until: number | undefined): number {
  const [now, setNow] = useState(Date.now)
  // biome-ignore lint/correctness/useExhaustiveDependencies: stops when the time has come
  useEffect(() => {
    if (!until || until < Date.now()) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [until, until !== undefined && now >= until])
  return until ? Math.max(0, Math.ceil((until - now) / 1000)) : 0
}
