import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { newAddress } from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import type { World } from "./matrix.ts"

// Server actions as anybody can call them: by the id that the build gave them, on a page that brings it.

type ActionManifest = {
  node: Record<string, { filename: string; exportedName: string; workers: Record<string, unknown> }>
}

const manifestPath = join(import.meta.dirname, "../../.next/server/server-reference-manifest.json")

/** Where the build says each action lives: its id, and a page that brings it along. */
export function readActions({ a }: Pick<World, "a">): Map<string, { id: string; page: string }> {
  const { node } = JSON.parse(readFileSync(manifestPath, "utf8")) as ActionManifest
  return new Map(
    Object.entries(node).map(([id, { filename, exportedName, workers }]) => {
      const page = (Object.keys(workers)[0] ?? "")
        .replace(/^app/, "")
        .replace(/\/page$/, "")
        .replace(/\/\([^)]+\)/g, "")
        .replace("[tenant]", a.tenantId)
        .replace("[bot]", a.botId)
        .replace("[conversation]", a.conversationId)
      return [`${dirname(relative("app", filename))} ${exportedName}`, { id, page: page || "/" }]
    }),
  )
}

/** Calls an action as the console's own page would, with any arguments. */
export async function callAction(
  deployment: Deployment,
  { id, page }: { id: string; page: string },
  cookie: string,
  args: unknown[],
): Promise<{ status: number; text: string }> {
  const response = await fetch(deployment.appUrl + page, {
    method: "POST",
    redirect: "manual",
    headers: {
      "content-type": "text/plain;charset=UTF-8",
      "next-action": id,
      "x-forwarded-for": newAddress(),
      origin: deployment.appUrl,
      cookie,
    },
    body: JSON.stringify(args),
  })
  return { status: response.status, text: await response.text() }
}
