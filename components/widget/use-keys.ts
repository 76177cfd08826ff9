import type { RefObject } from "preact"
import { useEffect } from "preact/hooks"

const focusable = "button:not(:disabled), textarea, input, a[href], [tabindex='0']"

/**
 * Escape closes the chat, unless something smaller took it. On a phone the panel covers the page, so
 * Tab stays inside; on a desktop it may leave, because the page beside the panel is still in use.
 */
export function useKeys(panel: RefObject<HTMLElement | null>, close: () => void): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: refs, and a close that never changes meaning
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) close()
      if (event.key !== "Tab" || screen.width >= 480) return
      const stops = panel.current!.querySelectorAll<HTMLElement>(focusable)
      const [first, last] = [stops[0], stops[stops.length - 1]]
      const active = document.activeElement
      const isAtEdge = active === (event.shiftKey ? first : last) || active === panel.current
      if (!isAtEdge) return
      event.preventDefault()
      const next = event.shiftKey ? last : first
      next?.focus()
    }
    addEventListener("keydown", listen)
    return () => removeEventListener("keydown", listen)
  }, [])
}
