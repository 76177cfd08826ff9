import { randomUUID } from "node:crypto"
import type { z } from "zod"
import { authenticateSession } from "#lib/admission/sessions.ts"
import { authenticateApiKey, authenticateOperator, readBearer } from "#lib/auth/keys.ts"
import { authenticateMember } from "#lib/auth/members.ts"
import { env } from "#lib/env.ts"
import { fail } from "#lib/errors.ts"
import { clientIp } from "#lib/limits/client-ip.ts"
import {
  guardFlood,
  type RateState,
  rateHeaders,
  rates,
  type TenantRateName,
  takeRates,
} from "#lib/limits/rates.ts"
import { effectiveLimits, type KeyLimits } from "#lib/limits/schema.ts"
import { log } from "#lib/log.ts"
import { allow, type Permission } from "#lib/tenancy/permissions.ts"
import type { TenantScope, VisitorScope } from "#lib/tenancy/scope.ts"
import { toStorable } from "#lib/text.ts"
import { readFile, readJson, withUploadPlace } from "./body.ts"
import { observeRequest } from "./metrics.ts"
import { type Dialect, parseInput, problemResponse, toFailure } from "./problems.ts"

// The one way to write a route. The order is fixed: request id → per-IP limit → authenticate → caller's
// limit → permission → parse → handle → map error → log one line. A handler holds no auth `if`, no
// try/catch and no database.

export type AuthKind = "public" | "session" | "member" | "apiKey" | "operator"

/** What each kind of caller proves. */
type Callers = {
  public: { scope: null }
  session: { scope: VisitorScope; limits: KeyLimits }
  member: { scope: TenantScope }
  apiKey: { scope: TenantScope; defaultBotId: string | null }
  operator: { scope: null }
}

export type RouteContext<Kind extends AuthKind, Body, Query> = Callers[Kind] & {
  params: Record<string, string>
  body: Body
  query: Query
  request: Request
  requestId: string
  ip: string
  /** Aborts when the client leaves. */
  signal: AbortSignal
}

export type RouteOptions<Kind extends AuthKind, Body extends z.ZodType, Query extends z.ZodType> = {
  auth: Kind
  permission?: Permission
  /** A rate of this route's own for the tenant, beside its caller's. */
  rate?: TenantRateName
  body?: Body
  /** Accepts the same JSON as text/plain, which spares a cross-origin page the preflight. */
  allowsTextPlain?: boolean
  /** Reads multipart `file` into `body` instead of JSON; JSON still goes to `body`'s schema. */
  fileBytes?: number
  bodyBytes?: number
  query?: Query
  dialect?: Dialect
  /** What the API description says of it; required by app/v1/openapi.json. */
  summary?: string
  /** The shape of a successful answer, for the API description and for tests. */
  response?: z.ZodType
  status?: number
  /** Headers of every answer, refusals too. */
  headers?: Record<string, string>
  handle: (context: RouteContext<Kind, z.output<Body>, z.output<Query>>) => Promise<Response>
}

export type UploadedFile = { fileName: string; mediaType: string; bytes: Uint8Array }

/** What a route says about itself, for the API description. */
export type RouteContract = Pick<
  RouteOptions<AuthKind, z.ZodType, z.ZodType>,
  "auth" | "permission" | "summary" | "body" | "query" | "response" | "status" | "fileBytes"
>

type RouteHandler = ((request: Request, context: NextContext) => Promise<Response>) & {
  contract: RouteContract
}

type NextContext = { params: Promise<Record<string, string | string[] | undefined>> }

export function route<Kind extends AuthKind, Body extends z.ZodType, Query extends z.ZodType>(
  options: RouteOptions<Kind, Body, Query>,
): RouteHandler {
  const handler = async (request: Request, { params }: NextContext): Promise<Response> => {
    const startedAt = performance.now()
    const requestId = randomUUID()
    const ip = clientIp(request.headers)
    let tenantId: string | undefined
    let response: Response
    try {
      const flood = guardFlood(ip)
      const routeParams = Object.fromEntries(
        Object.entries((await params) ?? {}).map(([k, v]) => [k, toStorable(String(v))]),
      )
      const caller = await authenticate(options.auth, request, ip, routeParams)
      tenantId = caller.scope?.tenantId
      const state = await takeCallerRate(options.auth, caller, options.rate)
      if (options.permission && caller.scope) allow(caller.scope, options.permission)
      const query = options.query ? parseInput(options.query, readQuery(request)) : undefined
      const answer = async () => {
        const body = await readBody(options, request)
        return options.handle({
          ...caller,
          params: routeParams,
          body,
          query,
          request,
          requestId,
          ip,
          signal: request.signal,
        } as never)
      }
      const isUpload = options.fileBytes !== undefined && isForm(request)
      if (isUpload) await takeRates([{ rate: "upload.tenant", subject: tenantId ?? ip }])
      response = await (isUpload ? withUploadPlace(answer) : answer())
      // A handler that took a tighter rate has said so itself.
      if (!response.headers.has("ratelimit"))
        for (const [k, v] of Object.entries(rateHeaders(state ?? flood))) response.headers.set(k, v)
    } catch (error) {
      response = problemResponse(toFailure(error, requestId), requestId, options.dialect)
    }
    for (const [name, value] of Object.entries(options.headers ?? {}))
      response.headers.set(name, value)
    response.headers.set("x-request-id", requestId)
    if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store")
    const durationMs = Math.round(performance.now() - startedAt)
    observeRequest({
      auth: options.auth,
      method: request.method,
      status: response.status,
      durationMs,
    })
    const { pathname } = new URL(request.url)
    log.info(
      {
        requestId,
        method: request.method,
        path: pathname.replace(longSegments, "…"),
        status: response.status,
        durationMs,
        tenantId,
      },
      "request",
    )
    return response
  }
  return Object.assign(handler, { contract: options as unknown as RouteContract })
}

/** Longer than any id of ours: a secret that somebody put into an address, perhaps. No log keeps it. */
const longSegments = /[^/]{32,}/g

function readQuery(request: Request): Record<string, string> {
  const pairs = [...new URL(request.url).searchParams]
  return Object.fromEntries(pairs.map(([name, value]) => [name, toStorable(value)]))
}

type Caller = { scope: TenantScope | null; [more: string]: unknown }

async function authenticate(
  kind: AuthKind,
  request: Request,
  ip: string,
  params: Record<string, string>,
): Promise<Caller> {
  switch (kind) {
    case "public":
      return { scope: null }
    case "session": {
      const token = readBearer(request.headers)
      if (!token) throw fail("unauthorized")
      const origin = request.headers.get("origin")
      const { scope, limits, mode } = await authenticateSession(token, { origin, ip })
      return { scope, limits: effectiveLimits(mode, limits) }
    }
    case "member":
      return { scope: await authenticateMember(request, params.tenant, ip) }
    case "apiKey":
      return authenticateApiKey(request.headers, ip)
    case "operator":
      await authenticateOperator(request.headers, ip)
      return { scope: null }
  }
}

/** Each kind of caller has one rate of its own; a visitor's are the chat's and stand in its route. */
async function takeCallerRate(
  kind: AuthKind,
  { scope }: Caller,
  rate?: TenantRateName,
): Promise<RateState | null> {
  if (!scope || (kind !== "apiKey" && kind !== "member")) return null
  const { tenantId } = scope
  const limit = env.DEFAULT_RATE_LIMIT || rates["api.tenant"].limit
  return takeRates([
    kind === "apiKey"
      ? { rate: "api.tenant", subject: tenantId, limit }
      : { rate: "console.user", subject: scope.actor.id },
    ...(rate ? [{ rate, subject: tenantId }] : []),
  ])
}

const isForm = (request: Request) => /^multipart\//i.test(request.headers.get("content-type") ?? "")

async function readBody(
  options: {
    body?: z.ZodType
    allowsTextPlain?: boolean
    fileBytes?: number
    bodyBytes?: number
  },
  request: Request,
): Promise<unknown> {
  if (options.fileBytes && (isForm(request) || !options.body))
    return { file: await readFile(request, options.fileBytes) }
  if (!options.body) return undefined
  const types = ["application/json", ...(options.allowsTextPlain ? ["text/plain"] : [])]
  return parseInput(options.body, await readJson(request, types, options.bodyBytes ?? 64 * 1024))
}

/** A JSON answer that nobody may keep. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } })
}

export function noContent(): Response {
  return new Response(null, { status: 204, headers: { "cache-control": "no-store" } })
}
