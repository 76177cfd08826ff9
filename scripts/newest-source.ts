import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"

const built = ["app", "components", "lib", "prisma"]
const files = [
  "next.config.ts",
  "package-lock.json",
  "postcss.config.mjs",
  "scripts/build-embed.ts",
]

/** When the newest file that goes into a build was changed, in ms since 1970; generated ones aside. */
export function newestSource(root: string): number {
  let newest = 0
  const look = (path: string) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat) return
    if (!stat.isDirectory()) newest = Math.max(newest, stat.mtimeMs)
    else if (path !== join(root, "lib", "tenancy", "prisma")) {
      for (const name of readdirSync(path)) look(join(path, name))
    }
  }
  for (const path of [...built, ...files]) look(join(root, path))
  return newest
}
