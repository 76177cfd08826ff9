import { Notice } from "#components/ui/notice.tsx"
import type { Problem } from "./command.ts"

/** The problem of a form, unless every part of it already stands beside its field. */
export function ProblemNotice({ problem, fields = [] }: ProblemNoticeProps) {
  if (!problem) return null
  const rest = (problem.issues ?? []).filter((issue) => !fields.includes(issue.path))
  const isShownInFields = (problem.issues?.length ?? 0) > 0 && rest.length === 0
  if (isShownInFields) return null
  return (
    <Notice tone="bad" title={problem.title}>
      {rest.length > 0 ? rest.map((issue) => issue.message).join(" ") : problem.detail}
    </Notice>
  )
}

type ProblemNoticeProps = { problem: Problem | null; fields?: readonly string[] }
