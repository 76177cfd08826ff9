import { createOutbound, type Outbound } from "./outbound.ts"

const strict: Outbound = createOutbound()

/** See `Outbound.fetch`: the strict rules, and no setting that loosens them. */
export const fetchOutbound: Outbound["fetch"] = strict.fetch

/** See `Outbound.vet`. */
export const vetOutbound: Outbound["vet"] = strict.vet

/** See `Outbound.stream`. */
export const streamOutbound: Outbound["stream"] = strict.stream
