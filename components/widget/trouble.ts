/**
 * Everything that can go wrong, as the visitor needs to know it: is it my line, my pace, my words, or
 * is the chat closed? `detail` is the server's own sentence, shown where it says more than ours.
 */
export type Trouble = {
  kind: "offline" | "unavailable" | "rate" | "day" | "invalid" | "busy" | "server"
  detail?: string
  /** When trying again makes sense, in milliseconds since 1970. */
  retryAt?: number
}

/** A request the server answered with a refusal, or that found no server at all. */
export class Refusal extends Error {
  readonly trouble: Trouble
  readonly status: number

  constructor(status: number, trouble: Trouble) {
    super(trouble.kind)
    this.status = status
    this.trouble = trouble
  }
}

/** Reads status, problem body and `Retry-After` of a refusal. Status 0: no answer at all. */
export function describeRefusal(
  status: number,
  problem: { code?: string; detail?: string; issues?: { message: string }[] } = {},
  retryAfter: string | null = null,
): Refusal {
  const { code, issues } = problem
  const detail = issues?.map(({ message }) => message).join(" ") || problem.detail
  const seconds = Number(retryAfter ?? Number.NaN)
  const retryAt = Number.isFinite(seconds) ? Date.now() + Math.max(1, seconds) * 1000 : undefined
  return new Refusal(status, {
    kind: troubleKind(status, code),
    ...(detail && { detail }),
    ...(retryAt && { retryAt }),
  })
}

function troubleKind(status: number, code?: string): Trouble["kind"] {
  if (status === 0) return "offline"
  if (status === 401 || status === 403 || status === 404) return "unavailable"
  if (status === 409 || code === "stream_limit") return "busy"
  if (status === 429) return code === "day_limit" ? "day" : "rate"
  return status >= 500 ? "server" : "invalid"
}

/** What an exception means: our own refusals say so, anything else is the line. */
export function toTrouble(error: unknown): Trouble {
  return error instanceof Refusal ? error.trouble : { kind: "offline" }
}
