import { Badge } from "#components/ui/badge.tsx"
import { Card } from "#components/ui/card.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { SiteView } from "#lib/keys/schema.ts"
import { formatSite } from "./format.ts"

type LiveSitesProps = { sites: (SiteView & { isTest: boolean })[] }

/** Where the chat was really seen, latest first. */
export function LiveSites({ sites }: LiveSitesProps) {
  return (
    <Card title="Live on">
      <ul className="-my-2 divide-y divide-hairline">
        {sites.slice(0, 8).map((site) => (
          <li key={site.origin} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2.5">
            <span className="min-w-0 flex-1 basis-40 font-medium wrap-anywhere">
              {formatSite(site.origin)}
            </span>
            {site.isTest ? <Badge>Test</Badge> : null}
            <span className="text-13 text-quiet">
              {site.lastSeenAt ? (
                <>
                  seen <RelativeTime at={site.lastSeenAt} />
                </>
              ) : (
                "not seen yet"
              )}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  )
}
