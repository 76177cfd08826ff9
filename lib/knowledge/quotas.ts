/** What one tenant may have and do at once. The only place these numbers stand. */
export const quotas = {
  sources: 5_000,
  /** Of uploaded originals together. */
  bytes: 1024 * 1024 * 1024,
  /** Waiting or being read. */
  unfinishedSources: 1_000,
  /** Handed to a worker at the same time; a worker process has one more than this. */
  runningSources: 2,
  crawls: 20,
  runningCrawls: 2,
} as const

/** What one run over a website may take. */
export const crawlLimits = {
  pages: 200,
  mostPages: 500,
  depth: 5,
  bytes: 200 * 1024 * 1024,
  minutes: 30,
  /** Addresses that differ in their query alone. */
  queriesPerPath: 15,
  sitemaps: 10,
  sitemapBytes: 10 * 1024 * 1024,
  robotsBytes: 500 * 1024,
  /** Kept with their reasons; the others are counted. */
  skippedShown: 50,
} as const

/** A web page's own limits. */
export const pageLimits = {
  /** An HTML page longer than this is read as far as that. */
  htmlBytes: 5 * 1024 * 1024,
  fileBytes: 20 * 1024 * 1024,
  timeoutMs: 15_000,
  /** For fetching and reading it together. */
  wholeMs: 28_000,
} as const
