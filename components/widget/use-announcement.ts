import { useEffect, useState } from "preact/hooks"
import type { ChatState } from "./chat.ts"
import { neutralize } from "./markdown.ts"
import type { Texts } from "./texts.ts"

/**
 * What a screen reader should say now. A log that grows by a word at a time is read out as a stammer,
 * so the answer is announced once, whole, when it is complete.
 */
export function useAnnouncement({ turns, isAnswering }: ChatState, texts: Texts): string {
  const [announcement, setAnnouncement] = useState("")
  const [wasAnswering, setWasAnswering] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: beginning and end matter, not every word
  useEffect(() => {
    if (isAnswering) {
      const timer = setTimeout(() => setAnnouncement(texts.answering), 1000)
      setWasAnswering(true)
      return () => clearTimeout(timer)
    }
    const last = turns.at(-1)
    if (wasAnswering && last?.role === "assistant") setAnnouncement(speakable(last.text))
    setWasAnswering(false)
  }, [isAnswering])
  return announcement
}

/** Markdown without what would be read out as "asterisk asterisk". */
const speakable = (text: string) =>
  neutralize(text)
    .replace(/\[(\d{1,3}(?:,\s*\d{1,3})*)\]/g, "")
    .replace(/\]\([^)\s]{0,2000}\)/g, "]")
    .replace(/[*_`#|[\]]/g, "")
