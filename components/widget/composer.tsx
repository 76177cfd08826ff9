import type { RefObject } from "preact"
import { useLayoutEffect } from "preact/hooks"
import { type Chat, type ChatState, maxMessageChars } from "./chat.ts"
import { sendIcon, stopIcon } from "./icons.tsx"
import { fill, type Texts } from "./texts.ts"

/** Say how much room is left only when it starts to matter. */
const counterFrom = maxMessageChars - 400

export function Composer({
  state,
  chat,
  texts,
  field,
}: {
  state: ChatState
  chat: Chat
  texts: Texts
  field: RefObject<HTMLTextAreaElement | null>
}) {
  const { draft, isAnswering, isOnline, phase } = state
  const left = maxMessageChars - draft.length
  const canSend = draft.trim() !== "" && left >= 0 && isOnline && phase !== "closed"

  // Grows with its text up to the five lines that widget.css allows.
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured again when the text changes
  useLayoutEffect(() => {
    const area = field.current!
    area.style.height = "auto"
    area.style.height = `${area.scrollHeight}px`
  }, [draft])

  const submit = (event: Event) => {
    event.preventDefault()
    if (!isAnswering && canSend) chat.send()
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method is choosing characters, Enter belongs to it (229 is Safari's way to say so).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229)
      return
    submit(event)
  }
  return (
    <form class="composer" onSubmit={submit}>
      <div class="field">
        <textarea
          ref={field}
          rows={1}
          // Empty, the placeholder reads in the widget's language; written, in the visitor's.
          dir={draft ? "auto" : undefined}
          value={draft}
          placeholder={texts.write}
          aria-label={texts.write}
          aria-invalid={left < 0}
          enterkeyhint="send"
          onInput={(event) => chat.setDraft(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {isAnswering ? (
          <button type="button" class="send" aria-label={texts.stop} onClick={chat.stop}>
            {stopIcon}
          </button>
        ) : (
          <button type="submit" class="send" aria-label={texts.send} aria-disabled={!canSend}>
            {sendIcon}
          </button>
        )}
      </div>
      <p class={left < 0 ? "note over" : "note"} role={left < 0 ? "alert" : undefined}>
        {left < 0
          ? fill(texts.tooLong, -left)
          : draft.length >= counterFrom
            ? fill(texts.left, left)
            : texts.note}
      </p>
    </form>
  )
}
