import { assertAppRole } from "./checks.ts"
import { assertNotDemo, markDemo } from "./demo-mark.ts"
import { isLoopback } from "./diagnose-settings.ts"
import { loadDotenv, type PreparedDatabase, prepareDatabase, readDataDir } from "./environment.ts"
import { startEmbeddedPostgres } from "./postgres.ts"
import { assertPortIsFree, type Mode, type Services, startServices } from "./supervisor.ts"

const loopback = "127.0.0.1"

/**
 * `npm start` and `npm run dev`: one process that owns everything else. Database, migrations, checks,
 * web, worker; stopped in reverse, the database last.
 */
async function main(mode: Mode): Promise<void> {
  if (mode === "dev" && process.env.NODE_ENV === "production")
    throw new Error("The development server does not run in production: use npm start.")
  Object.assign(process.env, { NODE_ENV: mode === "dev" ? "development" : "production" })
  loadDotenv()
  const isLocal = mode === "dev" || Boolean(process.env.DEMO)
  if (isLocal) process.env.HOST ||= loopback
  // Imported only now: it reads the environment once and lists every bad variable.
  const { env } = await import("#lib/env.ts")
  if (env.DEMO) requireLoopback(env, "The demo's sign-in is public", "unset DEMO")
  if (mode === "dev") requireLoopback(env, "The development server shows its code", "use npm start")
  await assertPortIsFree(env.PORT, env.HOST)

  const stopping = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => stopping.abort())
  followNpm(() => stopping.abort())

  const database = await prepareDatabase()
  let services: Services | null = null
  let exitCode = 0
  try {
    for (const warning of await assertAppRole(database.appUrl))
      console.warn(`${warning.message} ${warning.remedy}`)
    if (env.DEMO && database.ownerUrl) await markDemo(database.ownerUrl)
    else if (mode === "start") await assertNotDemo(database.appUrl)
    services = await startServices(composeEnvironment(database, env), {
      mode,
      signal: stopping.signal,
    })
    console.log(`Coatcheck is ready at ${env.APP_URL}`)
    exitCode = await waitForEnd(services, database, stopping.signal)
  } catch (error) {
    // A signal while things come up is a wish like any other, not a failure.
    if (!stopping.signal.aborted) throw error
  } finally {
    await services?.stop()
    await database.stop()
  }
  process.exit(exitCode)
}

/** What web and worker get: the app role's address, never the owner's or the superuser's. */
function composeEnvironment(
  database: PreparedDatabase,
  env: { APP_URL: string; PORT: number },
): Record<string, string> {
  const inherited = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return {
    NEXT_TELEMETRY_DISABLED: "1",
    ...Object.fromEntries(inherited),
    // Emptied, not left out: Next reads .env by itself and fills in whatever is not set.
    MIGRATION_DATABASE_URL: "",
    ...database.secrets,
    DATA_DIR: readDataDir(),
    DATABASE_URL: database.appUrl,
    PORT: String(env.PORT),
    NEXTAUTH_URL: env.APP_URL,
    NEXTAUTH_SECRET: database.secrets.AUTH_SECRET,
  }
}

/** Waits for a signal, or for the web server to end by itself. Returns the exit code. */
async function waitForEnd(
  services: Services,
  database: PreparedDatabase,
  signal: AbortSignal,
): Promise<number> {
  const watch = setInterval(() => void reviveDatabase(database), 1_000)
  const signalled = new Promise<number>((resolve) => {
    if (signal.aborted) resolve(0)
    signal.addEventListener("abort", () => resolve(0))
  })
  const ended = services.ended.then((code) => {
    if (signal.aborted) return 0
    console.error(`The web server ended by itself (${code ?? "killed"}).`)
    return code || 1
  })
  const exitCode = await Promise.race([signalled, ended])
  clearInterval(watch)
  return exitCode
}

/**
 * A signal to npm alone (a container's or service manager's stop) ends npm's shell, which does not pass
 * it on: what we notice is another parent. Started any other way, that means nothing.
 */
function followNpm(stop: () => void): void {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) stop()
  }, 250).unref()
}

let isReviving = false

/** A database server that was killed under us comes back on the same port; the pools reconnect. */
async function reviveDatabase(database: PreparedDatabase): Promise<void> {
  if (isReviving || !database.embedded || database.embedded.isRunning()) return
  isReviving = true
  try {
    console.error("The database server ended by itself; starting it again.")
    await database.embedded.stop()
    const revived = await startEmbeddedPostgres(readDataDir())
    database.embedded = revived
    database.stop = revived.stop
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
  } finally {
    isReviving = false
  }
}

function requireLoopback(
  { HOST: host, APP_URL: appUrl }: { HOST?: string | undefined; APP_URL: string },
  reason: string,
  alternative: string,
): void {
  const isLoopbackHost = host === loopback || host === "localhost" || host === "::1"
  if (isLoopbackHost && isLoopback(appUrl)) return
  throw new Error(
    `${reason}, so it serves this machine alone: unset HOST and APP_URL, or ${alternative}.`,
  )
}

main(process.argv.includes("--dev") ? "dev" : "start").catch((error) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
