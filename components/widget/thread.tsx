import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { Answer } from "./answer.tsx"
import type { Chat, ChatState, Turn } from "./chat.ts"
import { downIcon } from "./icons.tsx"
import { LeadForm } from "./lead-form.tsx"
import { TroubleText } from "./notice.tsx"
import { Skeleton } from "./skeleton.tsx"
import type { Speech } from "./texts.ts"

/** How near the end still counts as "at the end". */
const nearPx = 48

export function Thread({ state, chat, speech }: { state: ChatState; chat: Chat; speech: Speech }) {
  const { bot, turns, phase } = state
  const { texts } = speech
  const scroller = useRef<HTMLDivElement>(null)
  const isFollowing = useRef(true)
  const [isAway, setAway] = useState(false)

  const asked = turns.filter((turn) => turn.role === "user").length
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new question is followed again
  useLayoutEffect(() => {
    isFollowing.current = true
  }, [asked])

  // Follows what grows, but never pushes the visitor's own question off the top: a long answer is
  // read from its beginning.
  useLayoutEffect(() => {
    const view = scroller.current!
    if (isFollowing.current) {
      const questions = view.querySelectorAll<HTMLElement>(".mine")
      const question = questions[questions.length - 1]
      const end = view.scrollHeight - view.clientHeight
      view.scrollTop = question ? Math.min(end, question.offsetTop - 12) : end
    }
    setAway(view.scrollHeight - view.clientHeight - view.scrollTop > nearPx)
  })

  useEffect(() => {
    const view = scroller.current!
    const stopFollowing = () => {
      isFollowing.current = false
    }
    for (const type of ["wheel", "pointerdown", "keydown", "focusin"])
      view.addEventListener(type, stopFollowing, { passive: true })
  }, [])

  const onScroll = () => {
    const view = scroller.current!
    setAway(view.scrollHeight - view.clientHeight - view.scrollTop > nearPx)
  }
  const jump = () => {
    const view = scroller.current!
    isFollowing.current = false
    view.scrollTo({ top: view.scrollHeight })
  }

  const starters = bot.starters ?? []
  return (
    <div class="middle">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region needs the keyboard */}
      <div class="thread" ref={scroller} tabIndex={0} onScroll={onScroll}>
        {phase === "connecting" && !bot.greeting && turns.length === 0 && <Skeleton />}
        {bot.greeting && (
          <p class={turns.length ? "greeting" : "greeting large"} dir="auto">
            {bot.greeting}
          </p>
        )}
        {/* The status line beside the composer announces answers, once and whole. */}
        <div role="log" aria-live="off" aria-label={texts.conversation}>
          <ol class="turns">
            {turns.map((turn, at) =>
              turn.role === "user" ? (
                <Question
                  key={turn.key}
                  turn={turn}
                  note={bot.limitNote}
                  chat={chat}
                  speech={speech}
                />
              ) : (
                <Answer
                  key={turn.key}
                  turn={turn}
                  question={turns[at - 1]?.text ?? ""}
                  isLast={at === turns.length - 1}
                  bot={bot}
                  chat={chat}
                  speech={speech}
                />
              ),
            )}
          </ol>
        </div>
        {turns.length === 0 && starters.length > 0 && (
          <ul class="starters" aria-label={texts.suggestions}>
            {starters.map((starter) => (
              <li key={starter}>
                <button type="button" dir="auto" onClick={() => chat.send(starter)}>
                  {starter}
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
      {isAway && (
        <button type="button" class="jump" aria-label={texts.latest} onClick={jump}>
          {downIcon}
        </button>
      )}
    </div>
  )
}

function Question({
  turn,
  note,
  chat,
  speech,
}: {
  turn: Turn
  note: string | undefined
  chat: Chat
  speech: Speech
}) {
  const { texts } = speech
  return (
    <li class="mine">
      <span class="unseen">{texts.you}:</span>
      <p class="bubble" dir="auto">
        {turn.text}
      </p>
      {turn.status === "failed" && turn.trouble && (
        <p class="aside bad" role="alert">
          {texts.notSent}{" "}
          <TroubleText
            trouble={turn.trouble}
            speech={speech}
            note={note}
            {...(turn.trouble.kind !== "day" && { onRetry: () => chat.retry(turn) })}
          />
        </p>
      )}
      {turn.trouble?.kind === "day" && <LeadForm chat={chat} texts={texts} question={turn.text} />}
    </li>
  )
}
