import { z } from "zod"
import type { ToolParameter, ToolParameters } from "./schema.ts"

// From a model's arguments to a request. A model is not trusted: what the owner did not name is refused,
// and a value stays where the owner put it, in one path segment, one query value or one JSON field.

export const maxArgumentBytes = 4_000

export type ToolArguments = Record<string, string | number | boolean>

const textChars = 500

function toSchema({ type, maxLength, minimum, maximum, enum: options }: ToolParameter) {
  if (type === "boolean") return z.boolean()
  if (type === "string") {
    const text = z.string().max(maxLength ?? textChars)
    return options ? text.refine((value) => options.includes(value)) : text
  }
  const number = type === "integer" ? z.number().int() : z.number()
  return number.min(minimum ?? -Number.MAX_SAFE_INTEGER).max(maximum ?? Number.MAX_SAFE_INTEGER)
}

/** The arguments as the owner described them, or null: one too many, one missing, of another type or size. */
export function readArguments(parameters: ToolParameters, input: unknown): ToolArguments | null {
  const shape = Object.fromEntries(
    Object.entries(parameters.properties).map(([name, parameter]) => {
      const schema = toSchema(parameter)
      return [name, parameters.required.includes(name) ? schema : schema.optional()]
    }),
  )
  const parsed = z.strictObject(shape).safeParse(withPlainTexts(input ?? {}))
  if (!parsed.success) return null
  const given = Object.entries(parsed.data).filter(([, value]) => value !== undefined)
  const found = Object.fromEntries(given) as ToolArguments
  return Buffer.byteLength(JSON.stringify(found), "utf8") <= maxArgumentBytes ? found : null
}

/** What a visitor approves is what they see: no letters that hide, and none that turn others around. */
const hidden =
  /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu

function withPlainTexts(input: unknown): unknown {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input
  const plain = Object.entries(input).map(([name, value]) => [
    name,
    typeof value === "string"
      ? value.replace(hidden, (mark) => (mark === "\n" ? "\n" : "")).toWellFormed()
      : value,
  ])
  return Object.fromEntries(plain)
}

const placeholder = /\{([A-Za-z][A-Za-z0-9_]{0,39})\}/g

/** The values that a template names. */
export function listPlaceholders(template: string): string[] {
  return [...template.matchAll(placeholder)].map(([, name]) => name!)
}

/** The template as an address, for judging where it leads. */
export function withSampleValues(template: string): string {
  return template.replace(placeholder, "0")
}

/** What is wrong with a template, or null: values may stand in path and query alone. */
export function findTemplateFault(template: string, parameters: ToolParameters): string | null {
  const sample = withSampleValues(template)
  if (!URL.canParse(sample)) return "This is not an address."
  if (/[{}]/.test(sample)) return "Braces are for the names of values: letters, digits and _."
  const { origin } = new URL(sample)
  const head = /^[^/]*\/\/[^/?#]*/.exec(template)?.[0] ?? template
  if (head.includes("{") || template.includes("#")) return "Values stand in the path or the query."
  if (!URL.canParse(head) || new URL(head).origin !== origin) return "This is not an address."
  for (const name of listPlaceholders(template)) {
    if (!parameters.properties[name]) return `There is no value named ${name}.`
    // Without it the address would be another one.
    if (!parameters.required.includes(name))
      return `${name} must be required: the address needs it.`
  }
  return null
}

export type ToolRequest = { url: string; body: string | undefined }

/** The address and body of one call, or null when a value would change what the address means. */
export function buildRequest(
  { method, url: template }: { method: string; url: string },
  given: ToolArguments,
): ToolRequest | null {
  const used = new Set(listPlaceholders(template))
  const queryAt = template.includes("?") ? template.indexOf("?") : template.length
  let isSafe = true
  const text = template.replace(placeholder, (_, name: string, at: number) => {
    const value = String(given[name] ?? "")
    // A dot segment is resolved even when it is percent-encoded; an empty one is another address.
    if (at < queryAt && (/^\.{0,2}$/.test(value) || /[/\\]/.test(value))) isSafe = false
    return encodeURIComponent(value.toWellFormed())
  })
  if (!isSafe || !URL.canParse(text)) return null
  const url = new URL(text)
  const rest = Object.entries(given).filter(([name]) => !used.has(name))
  if (method === "GET" || method === "DELETE") {
    for (const [name, value] of rest) url.searchParams.set(name, String(value))
    return { url: url.href, body: undefined }
  }
  return { url: url.href, body: JSON.stringify(Object.fromEntries(rest)) }
}

/** What a visitor reads before they say yes: every value in full, each on one line of its own. */
export function summarize(given: ToolArguments): string {
  return Object.entries(given)
    .map(([name, value]) => `${name}: ${String(value).replaceAll("\n", " ⏎ ")}`)
    .join("\n")
}
