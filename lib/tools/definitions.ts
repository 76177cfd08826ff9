import { createHash } from "node:crypto"
import {
  type RemoteTool,
  type ToolParameter,
  type ToolParameters,
  toolParameter,
} from "./schema.ts"
import { readableText } from "./text.ts"

// From what an MCP server says of a tool to what an owner allows and a model is told. Values are flat, as
// everywhere: what a visitor could not read before their yes is left out, or the tool cannot be used.

export type Definition = {
  name: string
  description?: string | undefined
  inputSchema: Record<string, unknown>
  annotations?: { readOnlyHint?: boolean | undefined } | undefined
}

const descriptionChars = 1_000
const valueName = /^[A-Za-z][A-Za-z0-9_]{0,39}$/
const maxValues = 20

/** A tool as the owner sees it. The hash is of everything the server said, also of what is not shown. */
export function readDefinition(given: Definition): RemoteTool {
  const { name, description = "", inputSchema } = given
  const found = flatten(inputSchema)
  return {
    name,
    description: readableText(description).trim().slice(0, descriptionChars) || name,
    parameters: typeof found === "string" ? null : found,
    fault: typeof found === "string" ? found : null,
    isReadOnlyHint: given.annotations?.readOnlyHint === true,
    definitionHash: hashDefinition({ name, description, inputSchema }),
  }
}

/** The same for the same words, in whatever order a server puts the keys. */
function hashDefinition(definition: object): string {
  return createHash("sha256")
    .update(JSON.stringify(sortKeys(definition)))
    .digest("hex")
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (value === null || typeof value !== "object") return value
  const entries = Object.entries(value).map(([key, each]) => [key, sortKeys(each)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The values that can be asked of a model, or why the tool cannot be used. */
function flatten(schema: Record<string, unknown>): ToolParameters | string {
  const properties = isObject(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required.map(String) : []
  for (const part of ["allOf", "anyOf", "oneOf", "$ref"])
    if (part in schema) return "Its values depend on each other, which cannot be shown in one list."
  if (Object.keys(properties).length > 200) return "It takes more than 200 values."
  if (required.length > maxValues) return `It needs more than ${maxValues} values.`
  const flat: Record<string, ToolParameter> = {}
  for (const name of [...new Set([...required, ...Object.keys(properties)])]) {
    const isRequired = required.includes(name)
    if (!isRequired && Object.keys(flat).length >= maxValues) continue
    const parameter = valueName.test(name) ? readValue(properties[name]) : null
    if (parameter && Object.keys(flat).length < maxValues) flat[name] = parameter
    else if (isRequired)
      return `It needs “${readableText(name).slice(0, 40)}”, which is not one plain value: a visitor could not read what they approve.`
  }
  return { type: "object", properties: flat, required, additionalProperties: false }
}

/** One plain value, or null. */
function readValue(given: unknown): ToolParameter | null {
  if (!isObject(given)) return null
  const types = [given.type ?? []].flat().filter((type) => type !== "null")
  const options = "const" in given ? [given.const] : given.enum
  const isChoice = options !== undefined
  const type = types.length === 0 && isChoice ? "string" : types.length === 1 ? types[0] : null
  if (isChoice && (type !== "string" || !Array.isArray(options))) return null
  const number = (key: string) => (typeof given[key] === "number" ? { [key]: given[key] } : {})
  const parsed = toolParameter.safeParse({
    type,
    ...(typeof given.description === "string"
      ? { description: readableText(given.description).slice(0, 300) }
      : {}),
    ...(isChoice ? { enum: options } : {}),
    ...(typeof given.maxLength === "number" && given.maxLength >= 1
      ? { maxLength: Math.min(1_000, Math.floor(given.maxLength)) }
      : {}),
    ...number("minimum"),
    ...number("maximum"),
  })
  return parsed.success ? parsed.data : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value)
}
