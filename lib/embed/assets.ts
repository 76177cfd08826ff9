import { readFileSync } from "node:fs"
import { join } from "node:path"
import { isProduction } from "#lib/env.ts"

export type EmbedAssets = { scriptPath: string; stylePath: string }

let known: EmbedAssets | undefined

/**
 * Where the built widget lies, from public/widget/manifest.json (`npm run build:embed`). In production
 * read once: the server serves the files that were there when it started, not those of a later build.
 * Throws when the widget was never built.
 */
export function readEmbedAssets(): EmbedAssets {
  if (known && isProduction) return known
  const path = join(process.cwd(), "public", "widget", "manifest.json")
  known = JSON.parse(readFileSync(path, "utf8")) as EmbedAssets
  return known
}
