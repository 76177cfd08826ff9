import { useId, useMemo, useRef, useState } from "preact/hooks"
import type { Chat, Turn } from "./chat.ts"
import { Confirmation } from "./confirmation.tsx"
import type { BotLook, Citation } from "./contract.ts"
import { checkIcon, thumbDownIcon, upIcon } from "./icons.tsx"
import { LeadForm } from "./lead-form.tsx"
import { linkResolver } from "./links.ts"
import { parseMarkdown } from "./markdown.ts"
import { TroubleText } from "./notice.tsx"
import { Prose } from "./prose.tsx"
import { Skeleton } from "./skeleton.tsx"
import { Passage, SourceTags } from "./sources.tsx"
import type { Speech } from "./texts.ts"

/** The open passage: which one, and under which block (-1: under the row of sources). */
type Shown = { number: number; at: number }

/** One answer: prose on the panel, its sources under it, what the visitor can do about it. */
export function Answer({
  turn,
  question,
  isLast,
  bot,
  chat,
  speech,
}: {
  turn: Turn
  question: string
  isLast: boolean
  bot: Partial<BotLook>
  chat: Chat
  speech: Speech
}) {
  const { texts } = speech
  const { text, status, citations } = turn
  const [shown, setShown] = useState<Shown | null>(null)
  const opener = useRef<HTMLElement | null>(null)
  const id = useId()
  const trouble = turn.trouble ?? (status === "failed" ? ({ kind: "server" } as const) : null)
  const isWriting = status === "waiting" || status === "streaming"

  const blocks = useMemo(
    () =>
      parseMarkdown(text, {
        isPartial: isWriting,
        hasCitation: (number) => citations.some((citation) => citation.number === number),
        resolveLink: linkResolver(
          bot.linkOrigins ?? [],
          citations.map((citation) => citation.url),
        ),
      }),
    [text, isWriting, citations, bot.linkOrigins],
  )

  const tags = (listed: Citation[], at: number) => (
    <SourceTags
      citations={listed}
      texts={texts}
      id={id}
      shown={shown?.at === at ? shown.number : null}
      onToggle={(number, tag) => {
        opener.current = tag
        setShown(shown?.number === number && shown.at === at ? null : { number, at })
      }}
      hasTitles={at < 0}
    />
  )
  const close = () => {
    setShown(null)
    opener.current?.focus()
  }
  const passage = (at: number) => {
    const citation = shown?.at === at && citations.find(({ number }) => number === shown.number)
    return citation ? <Passage citation={citation} id={id} texts={texts} onClose={close} /> : null
  }
  // The smaller thing first: with a passage open, Escape closes that and not the chat.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !shown) return
    event.preventDefault()
    close()
  }
  return (
    <li class="answer" aria-busy={isWriting} onKeyDown={onKeyDown}>
      {turn.mode === "quotes" && text && <p class="aside">{texts.quoted}</p>}
      {text ? (
        <div class="prose">
          <Prose
            blocks={blocks}
            renderMark={(number, at) =>
              tags(
                citations.filter((citation) => citation.number === number),
                at,
              )
            }
            renderAfter={passage}
          />
        </div>
      ) : (
        isWriting && <Skeleton />
      )}
      {status === "interrupted" && !turn.trouble && <p class="aside">{texts.stopped}</p>}
      {trouble && (
        <p class="aside bad" role="alert">
          {text && texts.brokenOff}{" "}
          {/* When the chat itself is closed, the notice above the composer says so and has the way back. */}
          {trouble.kind !== "unavailable" && (
            <TroubleText
              trouble={trouble}
              speech={speech}
              note={bot.limitNote}
              onRetry={() => chat.retry(turn)}
            />
          )}
        </p>
      )}
      {turn.isCapped && bot.limitNote && (
        <p class="owner-note" dir="auto">
          {bot.limitNote}
        </p>
      )}
      {!isWriting && citations.length > 0 && (
        <div class="sources">
          <span class="label">{texts.sources}</span>
          {tags(citations, -1)}
        </div>
      )}
      {passage(-1)}
      {status === "complete" && turn.id && <Feedback turn={turn} chat={chat} speech={speech} />}
      {turn.confirmation && isLast && !isWriting && (
        <Confirmation
          turn={{ ...turn, confirmation: turn.confirmation }}
          chat={chat}
          texts={texts}
        />
      )}
      {turn.offersLead && isLast && !isWriting && (
        <LeadForm chat={chat} texts={texts} question={question} />
      )}
    </li>
  )
}

function Feedback({ turn, chat, speech }: { turn: Turn; chat: Chat; speech: Speech }) {
  const { texts } = speech
  const button = (value: "up" | "down") => (
    <button
      type="button"
      class="icon small"
      aria-label={value === "up" ? texts.helpful : texts.unhelpful}
      aria-pressed={turn.feedback === value}
      onClick={() => chat.rate(turn, turn.feedback === value ? null : value)}
    >
      {value === "up" ? upIcon : thumbDownIcon}
    </button>
  )
  return (
    <div class="feedback">
      {button("up")}
      {button("down")}
      {turn.feedback && (
        <span class="aside" role="status">
          {checkIcon}
          {texts.thanks}
        </span>
      )}
    </div>
  )
}
