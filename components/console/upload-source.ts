import type { SourceView } from "#lib/knowledge/schema.ts"
import { type Outcome, offlineProblem } from "./command.ts"

export const acceptedFiles =
  ".pdf,.docx,.pptx,.xlsx,.csv,.tsv,.html,.htm,.md,.markdown,.txt,.json,.jsonl"
export const maxFileBytes = 20_000_000

/** How many sources a page of the list has. */
export const sourcesPerPage = 100

/** Where files go in, and where a page of the list is read while something is being worked on. */
export function sourcesUrl(tenantId: string, botId: string, cursor: string | null = null): string {
  const query = new URLSearchParams({
    limit: String(sourcesPerPage),
    ...(cursor ? { cursor } : {}),
  })
  return `/api/console/${tenantId}/bots/${botId}/sources?${query}`
}

/** Where the list of websites is read while one of them is. */
export function sitesUrl(tenantId: string, botId: string): string {
  return `/api/console/${tenantId}/bots/${botId}/crawls`
}

/** Sends a source's next version. Never throws. */
export async function replaceSource(
  tenantId: string,
  sourceId: string,
  file: File,
): Promise<Outcome<SourceView>> {
  return sendFile(`/api/console/${tenantId}/sources/${sourceId}`, file)
}

/** Sends one file. Never throws; the file stays with the caller, so a failure can be tried again. */
export async function uploadSource(
  tenantId: string,
  botId: string,
  file: File,
): Promise<Outcome<SourceView>> {
  return sendFile(sourcesUrl(tenantId, botId), file)
}

async function sendFile(url: string, file: File): Promise<Outcome<SourceView>> {
  if (file.size > maxFileBytes) {
    return {
      ok: false,
      problem: {
        code: "too_large",
        title: "Larger than 20 MB.",
        detail: "Split it, or save it smaller.",
      },
    }
  }
  const body = new FormData()
  body.set("file", file)
  try {
    const response = await fetch(url, { method: "POST", body })
    const answer = await response.json()
    if (response.ok) return { ok: true, data: answer }
    return { ok: false, problem: { code: answer.code, title: answer.title, detail: answer.detail } }
  } catch {
    return { ok: false, problem: offlineProblem }
  }
}
