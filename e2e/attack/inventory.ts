import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Tenant } from "../walls/two-tenants.ts"

// What the build really serves, out of Next's own manifest: nothing can be reached that is not in here.

const manifestPath = join(import.meta.dirname, "../../.next/app-path-routes-manifest.json")

/** Next's own, and files. */
const staticPaths = ["_global-error", "_not-found", "icon.svg"]

/** Folders below app/ with a route handler, and with a page. */
export function readInventory(): { routes: string[]; pages: string[] } {
  const entries = Object.keys(JSON.parse(readFileSync(manifestPath, "utf8")) as object)
  const list = (kind: string) =>
    entries
      .filter((entry) => entry.endsWith(`/${kind}`))
      .map((entry) => entry.slice(1, -kind.length - 1))
      .filter((folder) => !staticPaths.includes(folder))
      .sort()
  return { routes: list("route"), pages: list("page") }
}

/** Where a page is for this tenant: folders in brackets hold ids, folders in parentheses are not in the address. */
export function addressOf(page: string, ids: Tenant): string {
  const path = page
    .replace(/\([^)]+\)\/?/g, "")
    .replace("[tenant]", ids.tenantId)
    .replace("[bot]", ids.botId)
    .replace("[key]", ids.keyId)
    .replace("[conversation]", ids.conversationId)
  if (path.includes("[")) throw new Error(`No id is known for ${page}.`)
  return `/${path}`
}
