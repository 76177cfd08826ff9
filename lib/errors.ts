/**
 * The one error table: a code cannot exist without its HTTP status and the sentence people read.
 * Dialects (problem+json, Open Chat Widget, ChatAPI, OpenAI) are renderers of the same error.
 */
export const errorTable = {
  malformed: [400, "The request could not be read.", "Send well-formed JSON in UTF-8."],
  bot_required: [
    400,
    "No bot was chosen.",
    "Give the API key a default bot, or publish exactly one.",
  ],
  unauthorized: [401, "Not authorized.", "The credential is missing, unknown or no longer valid."],
  origin_required: [
    403,
    "No website was named.",
    "Call this from a web page: browsers add the Origin.",
  ],
  origin_refused: [403, "This website is not allowed.", "The owner can allow it in the console."],
  bot_check_required: [
    403,
    "The check against programs was not passed.",
    "Ask for a new ticket and solve the challenge that comes with it.",
  ],
  forbidden: [403, "Not allowed.", "Your role or key does not include this action."],
  password_required: [
    403,
    "Your password is needed for this.",
    "It was last given more than an hour ago. Try again and enter it.",
  ],
  not_found: [404, "Not found.", "Nothing with this address exists here."],
  method_not_allowed: [405, "Method not allowed.", "This address does not answer that method."],
  conflict: [409, "That clashes with what is already there.", "Reload and try again."],
  in_progress: [409, "An answer is still being written.", "Wait for it to finish, then ask again."],
  too_large: [413, "Too large.", "Send something smaller."],
  unsupported_type: [415, "This kind of content is not accepted.", "Check the Content-Type."],
  invalid: [422, "Some fields need attention.", "Correct the fields listed in issues."],
  url_not_allowed: [
    422,
    "This address cannot be used.",
    "Use a public https address that is not this service itself.",
  ],
  redirect_limit: [422, "That address leads on too often.", "Use the address it ends at."],
  remote_too_large: [422, "What that address sent is too large.", "Use a smaller page or answer."],
  rate_limited: [429, "Too many requests.", "Wait a moment, then try again."],
  day_limit: [429, "Today's limit is reached.", "Try again tomorrow, or leave your details."],
  stream_limit: [429, "An answer is already being written.", "Wait for it to finish."],
  internal: [
    500,
    "Something went wrong on our side.",
    "Try again; quote the request id if it stays.",
  ],
  remote_unreachable: [502, "That address did not answer.", "Check it, then try again."],
  remote_timeout: [504, "That address took too long.", "Try again in a moment."],
  unavailable: [503, "Temporarily unavailable.", "Try again in a moment."],
  not_configured: [503, "Not configured.", "The operator has not set this deployment up for that."],
} as const satisfies Record<string, readonly [number, string, string]>

export type ErrorCode = keyof typeof errorTable

export type Issue = { path: string; message: string }

export type FailureDetails = {
  detail?: string
  issues?: Issue[]
  headers?: Record<string, string>
  /** What the logs say and the caller never sees. */
  internal?: string
}

/** The only error class that carries a meaning for a caller; anything else becomes `internal`. */
export class Failure extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly issues: Issue[] | undefined
  readonly headers: Record<string, string>
  readonly internal: string | undefined

  constructor(code: ErrorCode, details: FailureDetails = {}) {
    const [status, title, hint] = errorTable[code]
    super(details.internal ?? `${code}: ${details.detail ?? title}`)
    this.name = "Failure"
    this.code = code
    this.status = status
    this.title = title
    this.detail = details.detail ?? hint
    this.issues = details.issues
    this.headers = details.headers ?? {}
    this.internal = details.internal
  }
}

/** Builds the error for a code: `throw fail("not_found")`. `details.detail` replaces the hint people read. */
export function fail(code: ErrorCode, details?: FailureDetails | string): Failure {
  return new Failure(code, typeof details === "string" ? { detail: details } : details)
}
