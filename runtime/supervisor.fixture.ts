// A supervisor for supervisor.test.ts to kill: starts a child, which forks a child of its own.
import { fork } from "node:child_process"
import { startNode } from "./child-process.ts"

if (process.argv[2] === "leaf") setInterval(() => {}, 1_000)
else if (process.argv[2] === "child") {
  const leaf = fork(import.meta.filename, ["leaf"], { execArgv: [] })
  process.send?.({ pids: [process.pid, leaf.pid] })
  setInterval(() => {}, 1_000)
} else {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  )
  const child = startNode([import.meta.filename, "child"], env)
  child.process.on("message", (message: object) => process.send?.(message))
}
