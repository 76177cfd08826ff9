import { useId, useMemo, useState } from "preact/hooks"
import type { Chat, Turn } from "./chat.ts"
import type { BotLook } from "./contract.ts"
import { checkIcon, thumbDownIcon, upIcon } from "./icons.tsx"
import { LeadForm } from "./lead-form.tsx"
import { linkResolver, parseMarkdown } from "./markdown.ts"
import { TroubleText } from "./notice.tsx"
import { Prose } from "./prose.tsx"
import { Passage, SourceTags } from "./sources.tsx"
import type { Speech } from "./texts.ts"
import { Skeleton } from "./thread.tsx"

/** One answer: prose on the panel, its sources under it, what the visitor can do about it. */
export function Answer({
  turn,
  question,
  bot,
  chat,
  speech,
}: {
  turn: Turn
  question: string
  bot: Partial<BotLook>
  chat: Chat
  speech: Speech
}) {
  const { texts } = speech
  const { text, status, citations } = turn
  const [shown, setShown] = useState<number | null>(null)
  const id = useId()
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

  const toggle = (number: number) => setShown(shown === number ? null : number)
  const passage = citations.find((citation) => citation.number === shown)
  const tags = { texts, id, shown, onToggle: toggle }
  return (
    <li class="answer" aria-busy={isWriting}>
      {turn.mode === "quotes" && text && <p class="aside">{texts.quoted}</p>}
      {text ? (
        <div class="prose" dir="auto">
          <Prose
            blocks={blocks}
            citation={(number) => (
              <SourceTags {...tags} citations={citations.filter((one) => one.number === number)} />
            )}
          />
        </div>
      ) : (
        isWriting && <Skeleton />
      )}
      {status === "interrupted" && !turn.trouble && <p class="aside">{texts.stopped}</p>}
      {(status === "interrupted" || status === "failed") &&
        (turn.trouble || status === "failed") && (
          <p class="aside bad" role="alert">
            {text && `${texts.brokenOff} `}
            <TroubleText trouble={turn.trouble ?? { kind: "server" }} speech={speech} />{" "}
            <button type="button" class="link" onClick={() => chat.retry(turn)}>
              {texts.retry}
            </button>
          </p>
        )}
      {!isWriting && citations.length > 0 && (
        <div class="sources">
          <span class="label">{texts.sources}</span>
          <SourceTags {...tags} citations={citations} hasTitles />
        </div>
      )}
      {passage && (
        <Passage citation={passage} id={id} texts={texts} onClose={() => setShown(null)} />
      )}
      {status === "complete" && turn.id && <Feedback turn={turn} chat={chat} speech={speech} />}
      {turn.offersLead && !isWriting && <LeadForm chat={chat} texts={texts} question={question} />}
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
      onClick={() => chat.rate(turn, value)}
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
