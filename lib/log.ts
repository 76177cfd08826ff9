import pino from "pino"
import { env } from "#lib/env.ts"

/**
 * One JSON object a line with a string level. Secrets never get here: callers log ids and codes, and
 * the redaction below is the second net, not the rule.
 */
export const log = pino({
  level: env.LOG_LEVEL,
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  redact: {
    paths: [
      "authorization",
      "*.authorization",
      "cookie",
      "*.cookie",
      "password",
      "*.password",
      "token",
      "*.token",
      "ticket",
      "*.ticket",
      "secret",
      "*.secret",
      "apiKey",
      "*.apiKey",
    ],
    censor: "[redacted]",
  },
})
