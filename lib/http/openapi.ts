import { z } from "zod"
import { errorTable } from "#lib/errors.ts"
import type { RouteContract } from "./route.ts"

export type DescribedRoute = { method: string; path: string; contract: RouteContract }

/** An OpenAPI 3.1 document made of the very schemas that validate requests. */
export function describeApi(routes: DescribedRoute[], serverUrl: string) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const described of routes) {
    paths[described.path] ??= {}
    paths[described.path]![described.method.toLowerCase()] = describeOperation(described)
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Coatcheck",
      version: "1",
      description: "For a tenant's own servers. A request that comes from a browser is refused.",
    },
    servers: [{ url: serverUrl }],
    security: [{ bearer: [] }, { apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "An API key: sk_…" },
        apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
      },
      schemas: { Problem: problemSchema },
    },
  }
}

const problemSchema = {
  type: "object",
  required: ["type", "title", "status", "code", "detail", "requestId"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", enum: Object.keys(errorTable) },
    detail: { type: "string" },
    requestId: { type: "string" },
    issues: {
      type: "array",
      items: {
        type: "object",
        properties: { path: { type: "string" }, message: { type: "string" } },
      },
    },
  },
}

function describeOperation({ path, contract }: DescribedRoute) {
  const { summary, permission, body, query, response, status = 200, fileBytes } = contract
  const content = { ...(body ? { "application/json": { schema: toSchema(body, "input") } } : {}) }
  const form = {
    type: "object",
    required: ["file"],
    properties: { file: { type: "string", format: "binary" } },
  }
  return {
    summary,
    description: permission ? `Needs the permission ${permission}.` : undefined,
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(body || fileBytes
      ? {
          requestBody: {
            required: true,
            content: {
              ...content,
              ...(fileBytes ? { "multipart/form-data": { schema: form } } : {}),
            },
          },
        }
      : {}),
    responses: {
      [status]: {
        description: summary,
        ...(response
          ? { content: { "application/json": { schema: toSchema(response, "output") } } }
          : {}),
      },
      default: {
        description: "A problem (RFC 9457)",
        content: {
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
        },
      },
    },
  }
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }))
}

function queryParameters(query: z.ZodType | undefined) {
  if (!query) return []
  const { properties = {}, required = [] } = toSchema(query, "input") as {
    properties?: Record<string, unknown>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }))
}

function toSchema(schema: z.ZodType, io: "input" | "output") {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" })
  return rest
}
