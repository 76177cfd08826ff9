/** One bucket to take from, and what it holds. */
export type RatePlan = { bucket: string; limit: number; windowMs: number }

/** What a store answers for a bucket, named as `limits.take` names its columns. */
export type RateRow = { bucket: string; is_allowed: boolean; remaining: number; retry_ms: number }
