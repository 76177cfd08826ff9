// Plain JavaScript that any Node since 18 reads: it brings a fresh clone to the point where the project's
// own Node (a dev dependency) can run the TypeScript program named on the command line.
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const [program, ...args] = process.argv.slice(2)
const lock = readFileSync(join(root, "package-lock.json"), "utf8")
const stampPath = join(root, "node_modules", ".coatcheck-installed")

if (!existsSync(stampPath) || readFileSync(stampPath, "utf8") !== lock) {
  console.log("Installing packages…")
  const npm = process.platform === "win32" ? "npm.cmd" : "npm"
  // `install`, not `ci`: optional packages of other systems may be missing from a lock written on Linux.
  const { status } = spawnSync(npm, ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
  })
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(stampPath, readFileSync(join(root, "package-lock.json"), "utf8"))
}

const pinned = join(root, "node_modules", ".bin", "node")
const works = spawnSync(pinned, ["--version"], { encoding: "utf8" }).status === 0
const node = works ? pinned : process.execPath
if (!works && Number(process.versions.node.split(".")[0]) < 24) {
  console.error(
    "Install scripts seem to be blocked, so the pinned Node is missing: use Node 24 or newer.",
  )
  process.exit(1)
}
const child = spawn(node, [join(root, program), ...args], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}` },
})
// Ctrl+C reaches the whole group by itself; a stop that is sent to this process alone is passed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
child.on("exit", (code) => process.exit(code ?? 1))
