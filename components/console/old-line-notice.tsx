import type { ReactNode } from "react"
import { Notice } from "#components/ui/notice.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { EmbedKeyView, SiteView } from "#lib/keys/schema.ts"
import { listOldSites } from "./incident-facts.ts"

type OldLineNoticeProps = { embedKey: EmbedKeyView; sites: SiteView[]; children?: ReactNode }

/** After a rotation: until when the old line works, and which websites still show it. */
export function OldLineNotice({ embedKey, sites, children }: OldLineNoticeProps) {
  const oldSites = listOldSites(sites)
  if (!embedKey.previousExpiresAt && oldSites.length === 0) return null
  return (
    <Notice tone="waiting" title="This tag has a new line">
      <p>
        {embedKey.previousExpiresAt ? (
          <>
            The old line stops working <RelativeTime at={embedKey.previousExpiresAt} />.{" "}
          </>
        ) : (
          "The old line no longer works. "
        )}
        {oldSites.length > 0
          ? `Paste the new one on ${new Intl.ListFormat("en").format(oldSites)}, where the old one was last seen.`
          : "No website has been seen with it."}
      </p>
      {children}
    </Notice>
  )
}
