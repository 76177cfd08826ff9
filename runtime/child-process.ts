import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { projectFolder } from "./environment.ts"

export type Child = {
  process: ChildProcess
  /** Its exit code; null when a signal ended it. */
  exited: Promise<number | null>
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when it is gone. */
  stop(graceMs?: number): Promise<void>
}

const followParent = pathToFileURL(join(import.meta.dirname, "follow-parent.ts")).href

/** Starts a node program that dies with this process. */
export function startNode(args: string[], env: Record<string, string | undefined>): Child {
  const options = [env.NODE_OPTIONS, `--import=${followParent}`].filter(Boolean).join(" ")
  const child = spawn(process.execPath, args, {
    cwd: projectFolder,
    env: { ...env, NODE_OPTIONS: options } as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  })
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", resolve)
    child.once("error", () => resolve(1))
  })
  return {
    process: child,
    exited,
    async stop(graceMs = 8_000) {
      child.kill("SIGTERM")
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs)
      await exited
      clearTimeout(timer)
    },
  }
}
