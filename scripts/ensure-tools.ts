import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { chromium } from "@playwright/test"
import { isLong } from "../e2e/attack/rounds.ts"
import { chromiumLaunchOptions, findChromium } from "../e2e/chromium.ts"

// `npm run check` calls this before anything that needs a browser or a Redis server. The system's Chromium
// first, Playwright's own where that is installed, else whichever of the two may be installed here.

const root = join(import.meta.dirname, "..")

const findBrowser = () =>
  findChromium() ?? (existsSync(chromium.executablePath()) ? chromium.executablePath() : undefined)

const hasRedis = () => spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0

const succeeds = (command: string, args: string[]) =>
  spawnSync(command, args, { cwd: root, stdio: "inherit" }).status === 0

/** Installs a Debian package where that is allowed; true when apt says it is there. */
function installPackage(name: string): boolean {
  const isRoot = process.getuid?.() === 0
  const hasApt = spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0
  if (!isRoot || !hasApt) return false
  console.log(`No ${name} here: installing Debian's with apt-get.`)
  const install = ["install", "-y", "-qq", "--no-install-recommends", name]
  // The package lists of a fresh container are empty.
  return (
    succeeds("apt-get", install) ||
    (succeeds("apt-get", ["update", "-qq"]) && succeeds("apt-get", install))
  )
}

function stop(lines: string[]): never {
  for (const line of lines) console.error(line)
  process.exit(1)
}

function ensureRedis(): void {
  if (hasRedis() || (installPackage("redis-server") && hasRedis())) return
  stop([
    "The tests of limits need a Redis server. Type this, then start again:",
    "  sudo apt-get install -y redis-server",
  ])
}

/** The long forms go through a transaction pooler as well. */
function ensurePooler(): void {
  const hasPooler = () => spawnSync("pgbouncer", ["--version"], { stdio: "ignore" }).status === 0
  if (!isLong || hasPooler() || (installPackage("pgbouncer") && hasPooler())) return
  stop([
    "The long forms of the attacks need PgBouncer. Type this, then start again:",
    "  sudo apt-get install -y pgbouncer",
  ])
}

async function ensureBrowser(): Promise<void> {
  if (!findBrowser() && !installPackage("chromium")) {
    console.log("No Chromium here: trying Playwright's installer.")
    const cli = join(root, "node_modules", "@playwright", "test", "cli.js")
    succeeds(process.execPath, [cli, "install", "chromium"])
  }
  const path = findBrowser()
  if (!path) {
    stop([
      "The browser tests need Chromium. Type one of these, then start again:",
      "  sudo apt-get install -y chromium",
      "  npx playwright install --with-deps chromium",
      "or set CHROMIUM_PATH to a Chromium that is already here.",
    ])
  }
  // A browser that is there and does not start is found out now, and not in every test.
  const browser = await chromium.launch(chromiumLaunchOptions())
  console.log(`Chromium ${browser.version()} at ${path}`)
  await browser.close()
}

ensureRedis()
ensurePooler()
ensureBrowser().catch((error: Error) => stop([`Chromium does not start: ${error.message}`]))
