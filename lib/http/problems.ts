import type { z } from "zod"
import { errorTable, Failure, fail, type Issue } from "#lib/errors.ts"
import { log } from "#lib/log.ts"

export type Dialect = "problem" | "operator"

/** Whatever was thrown, as a Failure. What nobody foresaw is logged whole and told to nobody. */
export function toFailure(error: unknown, requestId: string): Failure {
  if (error instanceof Failure) return error
  // Separate copies of a module in pages and routes: the class may not be ours, its shape is.
  if (error instanceof Error && error.name === "Failure" && "code" in error) return error as Failure
  const prismaCode = (error as { code?: unknown } | null)?.code
  if (prismaCode === "P2002") return fail("conflict")
  if (prismaCode === "P2025") return fail("not_found")
  if (isDatabaseAway(error)) {
    log.error(
      { requestId, code: "database_away", reason: (error as Error).message },
      "database is away",
    )
    return fail("unavailable", { headers: { "retry-after": "2" } })
  }
  log.error({ requestId, err: error }, "unexpected error")
  return fail("internal")
}

function isDatabaseAway(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  const isAwayCode =
    typeof code === "string" &&
    /^(ECONN|EPIPE|ETIMEDOUT|57P0|08|53[1-3]00|P1001|P1002|P1008|P1017|P2024|P2028)/.test(code)
  return (
    isAwayCode ||
    (typeof message === "string" &&
      /(timeout exceeded when trying to connect|Query read timeout|Connection terminated|connect ECONNREFUSED|Can't reach database|No space left on device|could not extend file)/.test(
        message,
      ))
  )
}

/** RFC 9457, or the operator API's `{error, message}`. */
export function problemResponse(
  failure: Failure,
  requestId: string,
  dialect: Dialect = "problem",
): Response {
  const headers = { "cache-control": "no-store", "x-request-id": requestId, ...failure.headers }
  if (dialect === "operator") {
    return Response.json(
      { error: failure.code, message: failure.detail },
      { status: failure.status, headers },
    )
  }
  return Response.json(problemBody(failure, requestId), {
    status: failure.status,
    headers: { ...headers, "content-type": "application/problem+json" },
  })
}

export function problemBody(failure: Failure, requestId: string) {
  return {
    type: `https://coatcheck.dev/problems/${failure.code}`,
    title: errorTable[failure.code][1],
    status: failure.status,
    code: failure.code,
    detail: failure.detail,
    requestId,
    ...(failure.issues ? { issues: failure.issues } : {}),
  }
}

/** Parses input against a schema; throws `invalid` with one issue for each field. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issues: Issue[] = parsed.error.issues.map((issue) => ({
    path: issue.path.join("."),
    message: issue.message,
  }))
  throw fail("invalid", { detail: issues[0]?.message ?? "Some fields need attention.", issues })
}
