/** What a server action answers: it never throws, so a form can keep what was typed. */
export type Problem = {
  code: string
  title: string
  detail: string
  issues?: readonly { path: string; message: string }[]
}
export type Outcome<Data> = { ok: true; data: Data } | { ok: false; problem: Problem }

/** A server action as the console's components receive it from their page. */
export type Command<Input, Data = unknown> = (
  tenantId: string,
  input: Input,
) => Promise<Outcome<Data>>

/** What people read when no answer came at all. */
export const offlineProblem: Problem = {
  code: "offline",
  title: "We couldn’t reach the server.",
  detail: "Nothing was saved. Check your connection and try again.",
}
