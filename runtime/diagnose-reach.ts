import { connect } from "node:net"
import type { Env } from "#lib/env.ts"
import type { Diagnosis } from "./diagnose-settings.ts"

const patienceMs = 8_000

/** What answers: our own addresses as others reach them, the model, the mail server, Redis. */
export async function diagnoseReach(env: Env): Promise<Diagnosis[]> {
  const findings = await Promise.all([
    diagnoseHealth(env.APP_URL),
    diagnoseLoader(env.WIDGET_URL),
    env.MODEL_BASE_URL ? diagnoseModelServer(env.MODEL_BASE_URL, env.MODEL_API_KEY) : null,
    env.SMTP_URL ? diagnosePort("The mail server", env.SMTP_URL, 587) : null,
    env.REDIS_URL ? diagnosePort("Redis", env.REDIS_URL, 6379) : null,
  ])
  return findings.filter((finding) => finding !== null)
}

async function diagnoseHealth(appUrl: string): Promise<Diagnosis> {
  const answer = await ask(`${appUrl}/health`)
  if (answer.status === 200) return { level: "ok", message: `${appUrl} answers.` }
  return {
    level: "fail",
    message: `${appUrl}/health ${answer.problem}.`,
    remedy: "Start the server; then look at the proxy, DNS and APP_URL.",
  }
}

async function diagnoseLoader(widgetUrl: string): Promise<Diagnosis> {
  const url = `${widgetUrl}/embed.js`
  const answer = await ask(url)
  if (answer.status !== 200)
    return {
      level: "fail",
      message: `${url} ${answer.problem}.`,
      remedy: "Start the server; then look at the proxy, DNS and WIDGET_URL.",
    }
  if (answer.contentType?.includes("javascript"))
    return { level: "ok", message: `${url} is served as a script.` }
  return {
    level: "fail",
    message: `${url} is served as ${answer.contentType ?? "nothing"}, not as a script.`,
    remedy: "Something in between answers for us: look at the proxy's routes.",
  }
}

async function diagnoseModelServer(baseUrl: string, key: string | undefined): Promise<Diagnosis> {
  const url = `${baseUrl.replace(/\/$/, "")}/models`
  const answer = await ask(url, key ? { authorization: `Bearer ${key}`, "x-api-key": key } : {})
  if (answer.status === 401 || answer.status === 403)
    return {
      level: "fail",
      message: "The model's server refuses MODEL_API_KEY.",
      remedy: "Make a new key with the provider.",
    }
  // Not every compatible server lists its models: any answer shows that it is there.
  if (answer.status !== null) return { level: "ok", message: "The model's server answers." }
  return {
    level: "fail",
    message: `The model's server ${answer.problem}.`,
    remedy: "Check MODEL_BASE_URL, and that this machine may call it.",
  }
}

async function diagnosePort(name: string, url: string, fallback: number): Promise<Diagnosis> {
  const { hostname, port } = new URL(url)
  const isOpen = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || fallback), timeout: patienceMs })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("connect", () => settle(true))
    socket.once("error", () => settle(false))
    socket.once("timeout", () => settle(false))
  })
  if (isOpen) return { level: "ok", message: `${name} answers at ${hostname}.` }
  return {
    level: "fail",
    message: `${name} does not answer at ${hostname}.`,
    remedy: "Check its address, and that this machine may call it.",
  }
}

type Answer = { status: number | null; contentType: string | null; problem: string }

async function ask(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  try {
    const response = await fetch(url, {
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(patienceMs),
    })
    await response.body?.cancel()
    const { status } = response
    return {
      status,
      contentType: response.headers.get("content-type"),
      problem: `answers ${status}`,
    }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const reason = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
    return {
      status: null,
      contentType: null,
      problem: `does not answer${reason ? ` (${reason})` : ""}`,
    }
  }
}
