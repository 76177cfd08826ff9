import { readFileSync } from "node:fs"
import { join } from "node:path"

export type EmbedAssets = { scriptPath: string; stylePath: string }

/**
 * Where the built widget lies, from public/widget/manifest.json (`npm run build:embed`). Read each
 * time, a hundred bytes: a rebuild while the server runs changes the hashed names.
 * Throws when the widget was never built.
 */
export function readEmbedAssets(): EmbedAssets {
  const path = join(process.cwd(), "public", "widget", "manifest.json")
  return JSON.parse(readFileSync(path, "utf8")) as EmbedAssets
}
