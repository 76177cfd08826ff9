import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"
import { countOpenStreams } from "#lib/admission/open-streams.ts"
import { countRateFallbacks } from "#lib/limits/rates.ts"
import { countQueue } from "#lib/tenancy/directory.ts"

// Nothing here names a tenant: the operator watches health, not customers.

type Metrics = {
  registry: Registry
  requests: Counter<"auth" | "method" | "status">
  duration: Histogram<"auth">
}

const shared = globalThis as typeof globalThis & { coatcheckMetrics?: Metrics }

function metrics(): Metrics {
  if (shared.coatcheckMetrics) return shared.coatcheckMetrics
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: "coatcheck_" })
  new Gauge({
    name: "coatcheck_open_streams",
    help: "Answers being written by this process",
    registers: [registry],
    collect() {
      this.set(countOpenStreams())
    },
  })
  new Counter({
    name: "coatcheck_rate_fallbacks_total",
    help: "Rates that this process counted by itself because the store was away",
    registers: [registry],
    collect() {
      this.reset()
      this.inc(countRateFallbacks())
    },
  })
  new Gauge({
    name: "coatcheck_sources_unfinished",
    help: "Sources that wait to be read or are being read, in the whole deployment",
    labelNames: ["state"],
    registers: [registry],
    async collect() {
      // While the database is away the figure is missing, not wrong.
      this.reset()
      const counts = await countQueue().catch(() => null)
      if (!counts) return
      this.set({ state: "queued" }, counts.queued)
      this.set({ state: "processing" }, counts.processing)
    },
  })
  shared.coatcheckMetrics = {
    registry,
    requests: new Counter({
      name: "coatcheck_requests_total",
      help: "Requests by kind of caller, method and status",
      labelNames: ["auth", "method", "status"],
      registers: [registry],
    }),
    duration: new Histogram({
      name: "coatcheck_request_seconds",
      help: "Time until the answer's headers, by kind of caller",
      labelNames: ["auth"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    }),
  }
  return shared.coatcheckMetrics
}

/** Counts one request once it is answered. */
export function observeRequest(request: {
  auth: string
  method: string
  status: number
  durationMs: number
}): void {
  const { requests, duration } = metrics()
  requests.inc({ auth: request.auth, method: request.method, status: String(request.status) })
  duration.observe({ auth: request.auth }, request.durationMs / 1000)
}

/** This process's metrics in Prometheus's text format. */
export async function readMetrics(): Promise<{ text: string; contentType: string }> {
  const { registry } = metrics()
  return { text: await registry.metrics(), contentType: registry.contentType }
}
