import { useId } from "preact/hooks"
import type { Chat, Turn } from "./chat.ts"
import type { Texts } from "./texts.ts"

/** What the assistant wants to do, in full, and the visitor's yes or no. Nothing has happened yet. */
export function Confirmation({
  turn,
  chat,
  texts,
}: {
  turn: Turn & { confirmation: NonNullable<Turn["confirmation"]> }
  chat: Chat
  texts: Texts
}) {
  const { name, summary } = turn.confirmation
  const id = useId()
  return (
    <section class="lead confirm" aria-labelledby={id}>
      <h2 id={id}>{texts.confirmTitle}</h2>
      <p dir="auto">{name.replaceAll("_", " ")}</p>
      {summary && (
        <p class="values" dir="auto">
          {summary}
        </p>
      )}
      <p class="choice">
        <button type="button" class="button" onClick={() => chat.decide(turn, true)}>
          {texts.approve}
        </button>
        <button type="button" class="link" onClick={() => chat.decide(turn, false)}>
          {texts.decline}
        </button>
      </p>
    </section>
  )
}
