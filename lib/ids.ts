import { randomBytes } from "node:crypto"

const prefixes = {
  tenant: "ten",
  user: "usr",
  signIn: "sgn",
  bot: "bot",
  source: "src",
  crawl: "crw",
  chunk: "chk",
  key: "key",
  session: "ses",
  visitor: "vis",
  conversation: "cnv",
  message: "msg",
  lead: "led",
  event: "evt",
  usage: "usg",
  ticket: "tkt",
  room: "rom",
  tool: "tol",
  toolCall: "tcl",
  mcpServer: "mcp",
  model: "mdl",
  golden: "gld",
  run: "run",
  gap: "gap",
} as const

export type IdKind = keyof typeof prefixes

/**
 * A random identifier such as `bot_9f2c…`: prefix, underscore, 24 lower-case hex digits (96 bits).
 * Hex rather than base64 so that an id survives case-folding stores, file names and URLs unchanged.
 */
export function newId(kind: IdKind): string {
  return `${prefixes[kind]}_${randomBytes(12).toString("hex")}`
}

/** The shape an id of this kind has, for zod schemas and route parameters. */
export function idPattern(kind: IdKind): RegExp {
  return new RegExp(`^${prefixes[kind]}_[0-9a-f]{24}$`)
}
