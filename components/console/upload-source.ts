import type { SourceView } from "#lib/knowledge/schema.ts"
import { type Outcome, offlineProblem } from "./command.ts"

export const acceptedFiles =
  ".pdf,.docx,.pptx,.xlsx,.csv,.tsv,.html,.htm,.md,.markdown,.txt,.json,.jsonl"
export const maxFileBytes = 20_000_000

/** Where files go in, and where the list is read while something is being worked on. */
export function sourcesUrl(tenantId: string, botId: string): string {
  return `/api/console/${tenantId}/bots/${botId}/sources`
}

/** Sends one file. Never throws; the file stays with the caller, so a failure can be tried again. */
export async function uploadSource(
  tenantId: string,
  botId: string,
  file: File,
): Promise<Outcome<SourceView>> {
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
    const response = await fetch(sourcesUrl(tenantId, botId), { method: "POST", body })
    const answer = await response.json()
    if (response.ok) return { ok: true, data: answer }
    return { ok: false, problem: { code: answer.code, title: answer.title, detail: answer.detail } }
  } catch {
    return { ok: false, problem: offlineProblem }
  }
}
