"use client"

import { useEffect, useState } from "react"
import { Button } from "./button.tsx"

type CopyButtonProps = {
  text: string
  label?: string
  look?: "action" | "plain"
  size?: "regular" | "small"
  onCopied?: () => void
}

/** Puts text on the clipboard and says so, for two seconds and to screen readers. */
export function CopyButton({
  text,
  label = "Copy",
  look = "plain",
  size = "regular",
  onCopied,
}: CopyButtonProps) {
  const [state, setState] = useState<"idle" | "copied" | "refused">("idle")
  useEffect(() => {
    if (state === "idle") return
    const timer = setTimeout(() => setState("idle"), 2000)
    return () => clearTimeout(timer)
  }, [state])

  async function copy() {
    try {
      await navigator.clipboard.writeText(text)
      setState("copied")
      onCopied?.()
    } catch {
      setState("refused")
    }
  }

  return (
    <>
      <Button look={look} size={size} icon={state === "copied" ? "check" : "copy"} onClick={copy}>
        {state === "copied" ? "Copied" : state === "refused" ? "Select and copy it" : label}
      </Button>
      <span role="status" className="sr-only">
        {state === "copied" ? "Copied" : ""}
      </span>
    </>
  )
}
