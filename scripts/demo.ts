import { spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync, statSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import type { DemoFacts } from "#prisma/seed.ts"
import { markDemo } from "#runtime/demo-mark.ts"
import { prepareEnvironment } from "#runtime/environment.ts"
import { newestSource } from "./newest-source.ts"

// `npm run demo`: builds when the sources are newer than the build, seeds once, then starts everything and
// the demo shop on an origin of its own. Ctrl+C stops it all.

const root = join(import.meta.dirname, "..")
const dataDir = join(root, ".demo")
const factsPath = join(dataDir, "demo.json")
const port = Number(process.env.PORT || 3000)
const shopPort = port + 1
const shopOrigin = `http://shop.localhost:${shopPort}`

const quiet = {
  ...process.env,
  LOG_LEVEL: process.env.LOG_LEVEL || "warn",
  NODE_ENV: "production" as const,
}

function build() {
  const buildId = join(root, ".next", "BUILD_ID")
  if (existsSync(buildId) && statSync(buildId).mtimeMs > newestSource(root)) return
  console.log("Building…")
  const { status } = spawnSync(process.execPath, [join(root, "scripts", "build.ts")], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  })
  if (status !== 0) process.exit(status ?? 1)
}

async function seed() {
  if (existsSync(factsPath)) return
  console.log("Setting up the demo shop…")
  const database = await prepareEnvironment({ dataDir })
  try {
    await markDemo(database.ownerUrl)
    const { status } = spawnSync(
      process.execPath,
      [join(root, "prisma", "seed.ts"), "--shop", shopOrigin, "--out", factsPath],
      { cwd: root, stdio: "inherit", env: { ...quiet, ...database.env } },
    )
    if (status !== 0) process.exit(status ?? 1)
  } finally {
    await database.stop()
  }
}

function serveShop(facts: DemoFacts) {
  const snippet = `<script async src="http://127.0.0.1:${port}/embed.js" data-key="${facts.embedKey}"></script>`
  const page = readFileSync(join(root, "demo", "shop.html"), "utf8").replace(
    "<!-- snippet -->",
    snippet,
  )
  return createServer((request, response) => {
    const isPage = request.url === "/" || request.url?.startsWith("/?")
    response.writeHead(isPage ? 200 : 404, { "content-type": "text/html; charset=utf-8" })
    response.end(isPage ? page : "")
  }).listen(shopPort, "127.0.0.1")
}

build()
await seed()
const facts = JSON.parse(readFileSync(factsPath, "utf8")) as DemoFacts
const shop = serveShop(facts)
const server = spawn(process.execPath, [join(root, "runtime", "start.ts")], {
  cwd: root,
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...quiet, PORT: String(port), DATA_DIR: dataDir, DEMO: facts.landingKey },
})
server.stdout.on("data", (chunk: Buffer) => {
  if (!chunk.toString().includes("is ready")) return
  console.log(`
  Coatcheck        http://localhost:${port}
  Sign in          http://localhost:${port}/sign-in
                   ${facts.email}  ·  ${facts.password}
  The demo shop    ${shopOrigin}   (another origin, with the widget on it)

  Stop with Ctrl+C.
`)
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => server.kill(signal))
server.on("exit", (code) => {
  shop.close()
  process.exit(code ?? 0)
})
