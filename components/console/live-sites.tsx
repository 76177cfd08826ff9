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
          <li key={site.origin} className="flex items-start justify-between gap-3 py-2.5">
            <div className="min-w-0">
              <p dir="ltr" className="text-start font-medium wrap-anywhere">
                {formatSite(site.origin)}
              </p>
              <p className="text-13 text-quiet">
                {site.lastSeenAt ? (
                  <>
                    Seen <RelativeTime at={site.lastSeenAt} />
                  </>
                ) : (
                  "Not seen yet"
                )}
              </p>
            </div>
            {site.isTest ? <Badge>Test</Badge> : null}
          </li>
        ))}
      </ul>
    </Card>
  )
}
