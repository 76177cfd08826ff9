import { useEffect, useState } from "preact/hooks"
import type { Chat, ChatState } from "./chat.ts"
import { LeadForm } from "./lead-form.tsx"
import { fill, type Speech, type Texts } from "./texts.ts"
import type { Trouble } from "./trouble.ts"

/** Above the composer: offline, chat closed, or why the words are still in the composer. */
export function Notice({ state, chat, speech }: { state: ChatState; chat: Chat; speech: Speech }) {
  const { phase, trouble, isOnline } = state
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
        <TroubleText trouble={trouble} speech={speech} />
      </p>
      {phase === "closed" && (
        <button type="button" class="button" onClick={chat.connect}>
          {texts.retry}
        </button>
      )}
      {trouble.kind === "day" && <LeadForm chat={chat} texts={texts} question={state.draft} />}
    </div>
  )
}

/** Our sentence in the visitor's language; the server's own where it knows more (limits, fields). */
export function TroubleText({ trouble, speech }: { trouble: Trouble; speech: Speech }) {
  const { texts, locale } = speech
  const seconds = useCountdown(trouble.retryAt)
  if (trouble.kind === "rate" && seconds > 0) {
    const format = new Intl.RelativeTimeFormat(locale)
    const when =
      seconds < 90
        ? format.format(seconds, "second")
        : format.format(Math.ceil(seconds / 60), "minute")
    return <>{fill(texts.rateUntil, when)}</>
  }
  const own: Record<Trouble["kind"], keyof Texts> = {
    offline: "offline",
    unavailable: "unavailable",
    rate: "rate",
    day: "day",
    invalid: "invalid",
    busy: "busy",
    server: "server",
  }
  const detail = trouble.kind === "day" || trouble.kind === "invalid" ? trouble.detail : undefined
  return <>{detail ?? texts[own[trouble.kind]]}</>
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
