"use client"

import { CopyButton } from "#components/ui/copy-button.tsx"
import { useConsole } from "./console-context.tsx"

/** The one line an owner pastes. */
export function buildSnippet(widgetUrl: string, key: string): string {
  return `<script async src="${widgetUrl}/embed.js" data-key="${key}"></script>`
}

export function Snippet({ embedKey, onCopied }: { embedKey: string; onCopied?: () => void }) {
  const line = buildSnippet(useConsole().widgetUrl, embedKey)
  return (
    <div className="flex flex-wrap items-center gap-3 rounded-control border border-hairline bg-paper p-3">
      <code dir="ltr" className="min-w-0 flex-1 basis-56 font-mono text-13 wrap-anywhere">
        {line}
      </code>
      <CopyButton
        text={line}
        label="Copy the line"
        look="action"
        size="small"
        {...(onCopied ? { onCopied } : {})}
      />
    </div>
  )
}
