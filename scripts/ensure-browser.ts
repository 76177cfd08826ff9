import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { chromium } from "@playwright/test"
import { chromiumLaunchOptions, findChromium } from "../e2e/chromium.ts"

// `npm run check` calls this before anything that needs a browser. The system's Chromium first, Playwright's
// own where that is installed, else whichever of the two may be installed here.

const root = join(import.meta.dirname, "..")

const find = () =>
  findChromium() ?? (existsSync(chromium.executablePath()) ? chromium.executablePath() : undefined)

const succeeds = (command: string, args: string[]) =>
  spawnSync(command, args, { cwd: root, stdio: "inherit" }).status === 0

function install(): void {
  const isRoot = process.getuid?.() === 0
  const hasApt = spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0
  if (isRoot && hasApt) {
    console.log("No Chromium here: installing Debian's with apt-get.")
    const packages = ["install", "-y", "-qq", "--no-install-recommends", "chromium"]
    // The package lists of a fresh container are empty.
    if (succeeds("apt-get", packages)) return
    if (succeeds("apt-get", ["update", "-qq"]) && succeeds("apt-get", packages)) return
  }
  console.log("No Chromium here: trying Playwright's installer.")
  succeeds(process.execPath, [
    join(root, "node_modules", "@playwright", "test", "cli.js"),
    "install",
    "chromium",
  ])
}

async function main(): Promise<void> {
  if (!find()) install()
  const path = find()
  if (!path) {
    console.error("The browser tests need Chromium. Type one of these, then start again:")
    console.error("  sudo apt-get install -y chromium")
    console.error("  npx playwright install --with-deps chromium")
    console.error("or set CHROMIUM_PATH to a Chromium that is already here.")
    process.exit(1)
  }
  // A browser that is there and does not start is found out now, and not in every test.
  const browser = await chromium.launch(chromiumLaunchOptions())
  console.log(`Chromium ${browser.version()} at ${path}`)
  await browser.close()
}

main().catch((error: Error) => {
  console.error(`Chromium does not start: ${error.message}`)
  process.exit(1)
})
