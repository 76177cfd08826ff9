import { useRef, useState } from "preact/hooks"
import type { ChatState } from "./chat.ts"
import { closeIcon, eraseIcon, moreIcon } from "./icons.tsx"
import type { Texts } from "./texts.ts"

export function Header({
  state,
  texts,
  onClose,
  onErase,
}: {
  state: ChatState
  texts: Texts
  onClose: (() => void) | null
  onErase: () => Promise<void>
}) {
  const { bot, phase, isOnline } = state
  const isUp = isOnline && phase === "ready"
  const status = !isOnline
    ? texts.offlineShort
    : phase === "connecting"
      ? texts.connecting
      : phase === "ready"
        ? texts.online
        : texts.offlineShort
  return (
    <header class="header">
      <span class="mark" aria-hidden="true">
        {Array.from(bot.name ?? "")[0]?.toLocaleUpperCase()}
      </span>
      <div class="title">
        <h1 dir="auto">
          <span>{bot.name ?? "\u00a0"}</span>
          {bot.isTest && <span class="badge">{texts.test}</span>}
        </h1>
        <p>
          <span class={isUp ? "dot up" : "dot"} />
          {texts.assistant} · {status}
        </p>
      </div>
      <Menu texts={texts} isEmpty={state.turns.length === 0} onErase={onErase} />
      {onClose && (
        <button type="button" class="icon" aria-label={texts.close} onClick={onClose}>
          {closeIcon}
        </button>
      )}
    </header>
  )
}

function Menu({
  texts,
  isEmpty,
  onErase,
}: {
  texts: Texts
  isEmpty: boolean
  onErase: () => Promise<void>
}) {
  const [isOpen, setOpen] = useState(false)
  const [hasFailed, setFailed] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const ask = () => {
    setOpen(false)
    setFailed(false)
    dialog.current!.showModal()
  }
  const erase = async () => {
    try {
      await onErase()
      dialog.current?.close()
    } catch {
      setFailed(true)
    }
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return
    event.preventDefault()
    setOpen(false)
    button.current?.focus()
  }
  const onFocusOut = (event: FocusEvent) => {
    const next = event.relatedTarget as Node | null
    if (!(event.currentTarget as Node).contains(next)) setOpen(false)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape and leaving close what is inside
    <div class="menu" onKeyDown={onKeyDown} onFocusOut={onFocusOut}>
      <button
        type="button"
        class="icon"
        ref={button}
        aria-label={texts.more}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {moreIcon}
      </button>
      {isOpen && (
        <div class="popover">
          <button type="button" disabled={isEmpty} onClick={ask}>
            {eraseIcon}
            {texts.erase}
          </button>
        </div>
      )}
      <dialog ref={dialog} aria-label={texts.eraseTitle}>
        <h2>{texts.eraseTitle}</h2>
        <p>{texts.eraseText}</p>
        {hasFailed && <p role="alert">{texts.notStored}</p>}
        <div class="row">
          <button type="button" class="button" onClick={() => dialog.current!.close()}>
            {texts.keep}
          </button>
          <button type="button" class="button danger" onClick={erase}>
            {texts.eraseYes}
          </button>
        </div>
      </dialog>
    </div>
  )
}
