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
  // Providers refuse a schema, and so the whole talk, when a name stands in it twice.
  required: z
    .array(z.string())
    .max(20)
    .overwrite((names) => [...new Set(names)])
    .default([]),
  additionalProperties: z.literal(false).default(false),
})
export type ToolParameters = z.infer<typeof toolParameters>

/** What goes with every request to one host; kept encrypted and never shown again. */
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
  kind: z.enum(["http", "mcp"]),
  isWrite: z.boolean(),
  isEnabled: z.boolean(),
  /** Null for a tool of an MCP server, which has its own address. */
  method: fields.method.nullable(),
  url: z.string().nullable(),
  parameters: toolParameters,
  headerNames: z.array(z.string()),
  /** The MCP server it is one of, and what it is called there. */
  serverId: z.string().nullable(),
  remoteName: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
})
export type ToolView = z.infer<typeof toolView>

export const maxServersPerBot = 5

const serverFields = {
  name: z.string().trim().min(1, "Give it a name that you recognise.").max(60),
  url: z.string().trim().max(1_000),
  headers,
}
export const createServerInput = z.strictObject({
  ...serverFields,
  headers: serverFields.headers.default({}),
})
export type CreateServerInput = z.input<typeof createServerInput>

export const updateServerInput = z.strictObject(serverFields).partial()
export type UpdateServerInput = z.input<typeof updateServerInput>

/** A tool as its MCP server describes it, without what people cannot see. */
export const remoteTool = z.strictObject({
  name: z.string(),
  description: z.string(),
  /** Null when a visitor could not read what they approve; `fault` says why. */
  parameters: toolParameters.nullable(),
  fault: z.string().nullable(),
  /** The server's own word for it, and no more than a hint. */
  isReadOnlyHint: z.boolean(),
  definitionHash: z.string(),
})
export type RemoteTool = z.infer<typeof remoteTool>

export const serverView = z.strictObject({
  id: z.string(),
  botId: z.string(),
  name: z.string(),
  url: z.string(),
  headerNames: z.array(z.string()),
  tools: z.array(
    z.strictObject({
      ...remoteTool.shape,
      /** `changed`: allowed once, described otherwise since, and not offered until allowed again. */
      state: z.enum(["off", "allowed", "changed", "gone"]),
      /** The bot's tool, once it was allowed. */
      toolId: z.string().nullable(),
    }),
  ),
  /** When the server was last asked. */
  readAt: z.string(),
  createdAt: z.string(),
})
export type ServerView = z.infer<typeof serverView>

/** Allows one tool of a server in the very words that the owner saw: `definitionHash` names them. */
export const allowRemoteToolInput = z.strictObject({
  name: z.string().min(1).max(200),
  definitionHash: z.string().length(64),
  isWrite: z.boolean().default(true),
})
export type AllowRemoteToolInput = z.input<typeof allowRemoteToolInput>

export const tryToolInput = z.strictObject({
  values: z
    .record(z.string().max(40), z.union([z.string().max(1_000), z.number(), z.boolean()]))
    .refine((all) => Object.keys(all).length <= 20, "At most 20 values.")
    .default({}),
})

/** What came of trying a tool out. */
export const toolTrial = z.strictObject({ isOk: z.boolean(), text: z.string() })
export type ToolTrial = z.infer<typeof toolTrial>

/** What a visitor is asked to approve. */
export type ToolConfirmation = { callId: string; name: string; summary: string }
