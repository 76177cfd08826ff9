import { z } from "zod"

/** An empty variable counts as missing: `FOO=` in a dotenv file must not switch a feature on. */
const optional = z.preprocess((v) => (v === "" ? undefined : v), z.string().optional())
const withDefault = (value: string) =>
  z.preprocess((v) => (v === "" || v === undefined ? value : v), z.string())
const integer = (value: number) =>
  z.preprocess((v) => (v === "" || v === undefined ? value : v), z.coerce.number().int().min(0))
const secret = z.preprocess(
  (v) => (v === "" ? undefined : v),
  z.string().min(32, "needs at least 32 characters").optional(),
)
const origin = z.preprocess(
  (v) => (v === "" ? undefined : v),
  z
    .string()
    .refine(
      (v) => URL.canParse(v) && new URL(v).origin === v,
      "must be an origin such as https://chat.example.com",
    )
    .optional(),
)

const tokenKeys = optional.refine(
  (v) => v === undefined || v.split(",").every((pair) => /^[\w-]+:.{32,}$/.test(pair.trim())),
  "must be a comma-separated list of kid:secret with secrets of at least 32 characters",
)

const shape = z
  .object({
    NODE_ENV: withDefault("development"),
    PORT: integer(3000),
    HOST: optional,
    APP_URL: origin,
    WIDGET_URL: origin,
    DATA_DIR: withDefault(".data"),
    DATABASE_URL: optional,
    MIGRATION_DATABASE_URL: optional,
    DATABASE_POOL_SIZE: integer(10),
    REDIS_URL: optional,
    UPSTASH_REDIS_REST_URL: optional,
    UPSTASH_REDIS_REST_TOKEN: optional,
    AUTH_SECRET: secret,
    TOKEN_KEYS: tokenKeys,
    ENCRYPTION_KEY: secret,
    TENANT_SETTING_KEY: secret,
    MASTER_API_KEY: secret,
    MODEL_PROVIDER: z.preprocess(
      (v) => (v === "" ? undefined : v),
      z.enum(["openai", "anthropic", "openai-compatible"]).optional(),
    ),
    MODEL_BASE_URL: optional,
    MODEL_API_KEY: optional,
    MODEL_NAME: optional,
    MODEL_PRICE: optional,
    EMBEDDING_MODEL: optional,
    EMBEDDING_BASE_URL: optional,
    EMBEDDING_API_KEY: optional,
    EMBEDDING_PRICE: optional,
    FREE_ALLOWANCE_MINOR: integer(500),
    DEPLOYMENT_MONTHLY_CAP_MINOR: integer(5000),
    CURRENCY: withDefault("USD"),
    TRUSTED_PROXY_COUNT: integer(0),
    DEFAULT_RATE_LIMIT: integer(600),
    LOG_LEVEL: z.preprocess(
      (v) => (v === "" || v === undefined ? "info" : v),
      z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]),
    ),
    SMTP_URL: optional,
    TURNSTILE_SITE_KEY: optional,
    TURNSTILE_SECRET_KEY: optional,
    TURNSTILE_VERIFY_URL: withDefault("https://challenges.cloudflare.com/turnstile/v0/siteverify"),
    DEMO: optional,
  })
  .refine((v) => Boolean(v.TURNSTILE_SITE_KEY) === Boolean(v.TURNSTILE_SECRET_KEY), {
    path: ["TURNSTILE_SITE_KEY"],
    message: "and TURNSTILE_SECRET_KEY need each other",
  })
  .transform((v) => ({
    ...v,
    APP_URL: v.APP_URL ?? `http://localhost:${v.PORT}`,
    WIDGET_URL: v.WIDGET_URL ?? `http://127.0.0.1:${v.PORT}`,
  }))

export type Env = z.infer<typeof shape>

/**
 * Parses the environment once. Throws one error that lists every bad variable, never its value.
 */
export function parseEnv(source: Record<string, string | undefined>): Env {
  const parsed = shape.safeParse(source)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map((i) => `  ${i.path.join(".")}: ${i.message}`)
  throw new Error(`The environment is not usable:\n${lines.join("\n")}`)
}

/** Every variable the schema knows, for `.env.example` and its test. */
export const envNames: string[] = Object.keys(shape.def.in.shape)

/** The parsed environment. The only reader of `process.env`, tool configs and launchers excepted. */
export const env: Env = parseEnv(process.env)

export const isProduction = env.NODE_ENV === "production"
