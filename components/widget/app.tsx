import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks"
import { accentOn, fillFor } from "../../lib/embed/contrast.ts"
import type { Bridge } from "./bridge.ts"
import type { Chat } from "./chat.ts"
import { Composer } from "./composer.tsx"
import { Header } from "./header.tsx"
import { Notice } from "./notice.tsx"
import { chooseSpeech } from "./texts.ts"
import { Thread } from "./thread.tsx"
import { useAnnouncement } from "./use-announcement.ts"
import { useKeys } from "./use-keys.ts"

/** Panel colours of widget.css: accents have to be readable on the darkest light and lightest dark. */
const lightPanel = "#f3f1ec"
const darkPanel = "#262a32"
const houseColor = "#126047"

export function App({
  chat,
  bridge,
  pageLanguage,
  canClose,
}: {
  chat: Chat
  bridge: Bridge
  pageLanguage: () => string | undefined
  /** A preview and a hosted page have nothing to close to. */
  canClose: boolean
}) {
  const [state, setState] = useState(chat.state)
  const [isOpen, setOpen] = useState(bridge.isOpen)
  const panel = useRef<HTMLElement>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const { bot, turns } = state

  useLayoutEffect(() => chat.subscribe(() => setState(chat.state())), [chat])
  useEffect(() => bridge.onVisibility(setOpen), [bridge])

  useEffect(() => {
    const update = () => chat.setOnline(navigator.onLine)
    update()
    addEventListener("online", update)
    addEventListener("offline", update)
  }, [chat])

  const speech = useMemo(
    () => chooseSpeech([bot.locale, ...navigator.languages, pageLanguage()]),
    [bot.locale, pageLanguage],
  )
  const { texts } = speech

  useLayoutEffect(() => {
    const page = document.documentElement
    page.lang = speech.locale
    page.dir = speech.isRightToLeft ? "rtl" : "ltr"
  }, [speech])

  // Through CSSOM, never as markup: a hostile "colour" is ignored, and the CSP stays strict.
  useLayoutEffect(() => {
    const color = /^#[\da-f]{6}$/i.test(bot.color ?? "") ? bot.color! : houseColor
    const { fill, ink } = fillFor(color)
    const { style } = document.documentElement
    style.setProperty("--fill", fill)
    style.setProperty("--on-fill", ink)
    style.setProperty("--accent-light", accentOn(color, lightPanel))
    style.setProperty("--accent-dark", accentOn(color, darkPanel))
  }, [bot.color])

  // A phone's keyboard would cover the greeting and the suggestions: there the panel gets the focus.
  useEffect(() => {
    if (!isOpen) return
    const hasMouse = matchMedia("(pointer: fine)").matches
    const target = hasMouse ? field.current : panel.current
    target?.focus()
  }, [isOpen])

  const close = () => bridge.tell({ type: "close" })
  useKeys(panel, close)
  const announcement = useAnnouncement(state, texts)

  const last = turns.at(-1)
  const isFinished = last?.role === "assistant" && last.status === "complete"
  // biome-ignore lint/correctness/useExhaustiveDependencies: once per finished answer
  useEffect(() => {
    if (isFinished && !isOpen) bridge.tell({ type: "unread", count: 1 })
  }, [isFinished])

  return (
    <main class="panel" ref={panel} tabIndex={-1} aria-label={bot.name} data-open={isOpen}>
      <Header state={state} texts={texts} onClose={canClose ? close : null} onErase={chat.erase} />
      <Thread state={state} chat={chat} speech={speech} />
      <Notice state={state} chat={chat} speech={speech} />
      <Composer state={state} chat={chat} texts={texts} field={field} />
      <p class="unseen" role="status" aria-live="polite">
        {announcement}
      </p>
    </main>
  )
}
