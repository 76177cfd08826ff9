import { z } from "zod"

export const maxToolsPerBot = 20

/** One value that a model may fill in: flat on purpose, so that a visitor can read what they approve. */
export const toolParameter = z.strictObject({
  type: z.enum(["string", "integer", "number", "boolean"]),
  description: z.string().max(300).optional(),
  enum: z.array(z.string().max(100)).min(1).max(50).optional(),
  maxLength: z.number().int().min(1).max(1_000).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
})
export type ToolParameter = z.infer<typeof toolParameter>

/** A JSON Schema of one level; what it does not name is refused. */
export const toolParameters = z.strictObject({
  type: z.literal("object").default("object"),
  properties: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,39}$/), toolParameter)
    .refine((all) => Object.keys(all).length <= 20, "At most 20 values.")
    .default({}),
  required: z.array(z.string()).max(20).default([]),
  additionalProperties: z.literal(false).default(false),
})
export type ToolParameters = z.infer<typeof toolParameters>

const headers = z
  .record(z.string().min(1).max(100), z.string().max(2_000))
  .refine((all) => Object.keys(all).length <= 10, "At most 10 headers.")

const fields = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/, "Small letters, digits and _ only, beginning with a letter."),
  description: z.string().trim().min(1, "Say what it does: the model chooses by it.").max(500),
  /** Anything that changes something: it needs the owner's leave on a key and the visitor's yes. */
  isWrite: z.boolean(),
  isEnabled: z.boolean(),
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
  /** With `{value}` in path or query; other values go to the query of a GET or DELETE, or a JSON body. */
  url: z.string().max(1_000),
  parameters: toolParameters,
  /** Kept encrypted and never shown again. */
  headers,
}

export const createToolInput = z.strictObject({
  ...fields,
  isWrite: fields.isWrite.optional(),
  isEnabled: fields.isEnabled.default(true),
  method: fields.method.default("GET"),
  parameters: fields.parameters.prefault({}),
  headers: fields.headers.default({}),
})
export type CreateToolInput = z.input<typeof createToolInput>

export const updateToolInput = z.strictObject(fields).partial()
export type UpdateToolInput = z.input<typeof updateToolInput>

export const toolView = z.strictObject({
  id: z.string(),
  botId: z.string(),
  name: z.string(),
  description: z.string(),
  kind: z.enum(["http"]),
  isWrite: z.boolean(),
  isEnabled: z.boolean(),
  method: fields.method,
  url: z.string(),
  parameters: toolParameters,
  headerNames: z.array(z.string()),
  createdAt: z.string(),
  updatedAt: z.string(),
})
export type ToolView = z.infer<typeof toolView>

/** What a visitor is asked to approve. */
export type ToolConfirmation = { callId: string; name: string; summary: string }
