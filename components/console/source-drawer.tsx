"use client"

import { useRouter } from "next/navigation"
import { Drawer } from "#components/ui/drawer.tsx"
import { Notice } from "#components/ui/notice.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { SourceView } from "#lib/knowledge/schema.ts"
import { formatBytes, formatNumber } from "./format.ts"

type SourceDrawerProps = {
  source: SourceView
  text: string
  isTruncated: boolean
  /** Where closing leads. */
  closeHref: string
}

/** The text as the bot reads it. Has an address of its own, so a link to it can be shared. */
export function SourceDrawer({ source, text, isTruncated, closeHref }: SourceDrawerProps) {
  const router = useRouter()
  return (
    <Drawer
      isOpen
      onOpenChange={(isOpen) => {
        if (!isOpen) router.push(closeHref, { scroll: false })
      }}
      title={source.title}
      subtitle={
        <>
          {formatBytes(source.byteSize)} · {formatNumber(source.chunkCount, "passage")} · added{" "}
          <RelativeTime at={source.createdAt} />
        </>
      }
    >
      <div className="flex flex-col gap-4 px-5 py-4">
        {source.status === "failed" && source.error ? (
          <Notice tone="bad" title="This source could not be read">
            {source.error}
          </Notice>
        ) : null}
        {source.status === "held" && source.chunkCount > 0 ? (
          <Notice tone="waiting" title="A newer version waits for you">
            This is the version that answers now.
          </Notice>
        ) : null}
        {source.notice ? <Notice title="Good to know">{source.notice}</Notice> : null}
        {text === "" ? (
          <p className="text-quiet">
            {source.status === "failed" ? "No text was found in it." : "Still being read."}
          </p>
        ) : (
          <p dir="auto" className="text-14 leading-relaxed whitespace-pre-wrap wrap-anywhere">
            {text}
          </p>
        )}
        {isTruncated ? (
          <p className="border-t border-hairline pt-3 text-13 text-quiet">
            This is the beginning. The bot knows the rest too.
          </p>
        ) : null}
      </div>
    </Drawer>
  )
}
