import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { chromium } from "@playwright/test"
import { isLong } from "../e2e/attack/rounds.ts"
import { chromiumLaunchOptions, findChromium } from "../e2e/chromium.ts"

// `npm run check` calls this before anything that needs a browser or another program. The system's Chromium
// first, Playwright's own where that is installed, else whichever of the two may be installed here.

const root = join(import.meta.dirname, "..")

const findBrowser = () =>
  findChromium() ?? (existsSync(chromium.executablePath()) ? chromium.executablePath() : undefined)

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

/** Programs that tests start: Debian's package, how to see that one is there, and what needs it. */
const programs = [
  { name: "redis-server", see: ["--version"], need: "The tests of limits need a Redis server" },
  { name: "openssl", see: ["version"], need: "The run behind TLS needs openssl" },
  { name: "curl", see: ["--version"], need: "The README's walkthrough needs curl" },
  // The long forms go through a transaction pooler as well.
  ...(isLong
    ? [{ name: "pgbouncer", see: ["--version"], need: "The long forms need PgBouncer" }]
    : []),
]

function ensureProgram({ name, see, need }: (typeof programs)[number]): void {
  const isThere = () => spawnSync(name, see, { stdio: "ignore" }).status === 0
  if (isThere() || (installPackage(name) && isThere())) return
  stop([`${need}. Type this, then start again:`, `  sudo apt-get install -y ${name}`])
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

for (const program of programs) ensureProgram(program)
ensureBrowser().catch((error: Error) => stop([`Chromium does not start: ${error.message}`]))
