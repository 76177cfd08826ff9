import type { Env } from "#lib/env.ts"

/** One line of the doctor's report. `remedy` says what to do about anything but `ok`. */
export type Diagnosis = { level: "ok" | "warn" | "fail"; message: string; remedy?: string }

/** What can be told from the settings alone. */
export function diagnoseSettings(env: Env): Diagnosis[] {
  return [
    ...diagnoseOrigins(env),
    diagnoseProxy(env),
    diagnoseOperator(env),
    diagnoseMail(env),
    ...diagnoseModel(env),
    ...diagnoseEmbedding(env),
  ]
}

function diagnoseOrigins({ APP_URL, WIDGET_URL }: Env): Diagnosis[] {
  const findings: Diagnosis[] = []
  for (const [name, url] of [
    ["APP_URL", APP_URL],
    ["WIDGET_URL", WIDGET_URL],
  ] as const) {
    if (url.startsWith("https://")) findings.push({ level: "ok", message: `${name} is ${url}.` })
    else if (isLoopback(url))
      findings.push({ level: "ok", message: `${name} is ${url}: this machine only.` })
    else
      findings.push({
        level: "fail",
        message: `${name} is ${url}, without https.`,
        remedy: "Put a TLS proxy in front and name its https address: cookies and passes need it.",
      })
  }
  if (isLoopback(APP_URL) !== isLoopback(WIDGET_URL))
    findings.push({
      level: "fail",
      message: `APP_URL is ${APP_URL}, but WIDGET_URL is ${WIDGET_URL}.`,
      remedy: "Set both: only one of them can be reached from other machines.",
    })
  findings.push(
    APP_URL === WIDGET_URL
      ? {
          level: "warn",
          message: "APP_URL and WIDGET_URL are one origin: preview and hosted chat are off.",
          remedy: "Give the widget a host name of its own, where no console cookie is valid.",
        }
      : { level: "ok", message: "Console and widget have origins of their own." },
  )
  return findings
}

function diagnoseProxy({ APP_URL, TRUSTED_PROXY_COUNT: count }: Env): Diagnosis {
  if (APP_URL.startsWith("https://") && count === 0)
    return {
      level: "warn",
      message: "https means a proxy, but TRUSTED_PROXY_COUNT is 0: all visitors share one address.",
      remedy: "Set it to the number of proxies in front, so that limits count per visitor.",
    }
  if (isLoopback(APP_URL) && count > 0)
    return {
      level: "warn",
      message: `TRUSTED_PROXY_COUNT is ${count}, but nothing suggests a proxy.`,
      remedy: "Set it to 0, or anybody can choose the address that limits count.",
    }
  return { level: "ok", message: `${count} trusted ${count === 1 ? "proxy" : "proxies"}.` }
}

function diagnoseOperator({ MASTER_API_KEY }: Env): Diagnosis {
  if (MASTER_API_KEY) return { level: "ok", message: "The operator's key is set." }
  return {
    level: "warn",
    message: "MASTER_API_KEY is not set: /admin answers 503.",
    remedy: "Set it to the output of: openssl rand -hex 32",
  }
}

function diagnoseMail({ SMTP_URL }: Env): Diagnosis {
  if (!SMTP_URL)
    return {
      level: "warn",
      message: "SMTP_URL is not set: no mail goes out.",
      remedy: "Set it to smtp://user:password@host:587, or hand links out yourself.",
    }
  if (URL.canParse(SMTP_URL) && /^smtps?:$/.test(new URL(SMTP_URL).protocol))
    return { level: "ok", message: `Mail goes through ${new URL(SMTP_URL).host}.` }
  return {
    level: "fail",
    message: "SMTP_URL is not an smtp:// or smtps:// address.",
    remedy: "Write it as smtp://user:password@host:587.",
  }
}

function diagnoseModel(env: Env): Diagnosis[] {
  const { MODEL_PROVIDER: provider, MODEL_NAME, MODEL_API_KEY, MODEL_BASE_URL } = env
  if (!provider)
    return [
      {
        level: "warn",
        message: "No model is configured: bots answer by quoting their sources.",
        remedy: "Set MODEL_PROVIDER, MODEL_NAME and MODEL_API_KEY for written answers.",
      },
    ]
  const missing = [
    !MODEL_NAME && "MODEL_NAME",
    !MODEL_API_KEY && provider !== "openai-compatible" && "MODEL_API_KEY",
    !MODEL_BASE_URL && provider === "openai-compatible" && "MODEL_BASE_URL",
  ].filter((name) => typeof name === "string")
  if (missing.length === 0)
    return [{ level: "ok", message: `The model is ${MODEL_NAME} (${provider}).` }]
  return [
    {
      level: "fail",
      message: `MODEL_PROVIDER is ${provider}, but ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} missing.`,
      remedy: "Set what is missing, or unset MODEL_PROVIDER.",
    },
  ]
}

function diagnoseEmbedding(env: Env): Diagnosis[] {
  const { EMBEDDING_MODEL, EMBEDDING_PRICE, EMBEDDING_BASE_URL, MODEL_BASE_URL } = env
  if (!EMBEDDING_MODEL) return []
  if (!/\d/.test(EMBEDDING_PRICE ?? ""))
    return [
      {
        level: "fail",
        message: `EMBEDDING_MODEL is ${EMBEDDING_MODEL}, but EMBEDDING_PRICE says no price: it is not used.`,
        remedy:
          "Set EMBEDDING_PRICE to what a million tokens cost, in minor units, or unset the model.",
      },
    ]
  if (!EMBEDDING_BASE_URL && !MODEL_BASE_URL && env.MODEL_PROVIDER !== "openai")
    return [
      {
        level: "fail",
        message: `EMBEDDING_MODEL is ${EMBEDDING_MODEL}, but nothing says where it is.`,
        remedy: "Set EMBEDDING_BASE_URL and EMBEDDING_API_KEY.",
      },
    ]
  return [{ level: "ok", message: `Search goes by meaning too, with ${EMBEDDING_MODEL}.` }]
}

export function isLoopback(url: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\]|.*\.localhost)$/.test(new URL(url).hostname)
}
