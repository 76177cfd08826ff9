import { spawnSync } from "node:child_process"
import { join } from "node:path"

// The whole build: database client, loader and widget, pages and routes. Nothing here goes online.

const root = join(import.meta.dirname, "..")

/** Runs one step with this very Node and ends the build where it fails. */
function run(label: string, script: string, ...args: string[]) {
  const startedAt = performance.now()
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
  })
  if (status !== 0) process.exit(status ?? 1)
  console.log(`${label}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}

run("Database client", "node_modules/prisma/build/index.js", "generate")
if (!process.argv.includes("--generate-only")) {
  run("Loader and widget", "scripts/build-embed.ts")
  run("Pages and routes", "node_modules/next/dist/bin/next", "build")
}
