import { z } from "zod"

export const sourceKinds = ["file", "text", "qa", "page"] as const
/**
 * Of a published bot with golden questions, what was read is `checking` until they were asked of it, and `held`
 * for the owner when some would get worse; neither is found by anyone. An earlier version answers meanwhile.
 */
export const sourceStatuses = [
  "queued",
  "processing",
  "checking",
  "held",
  "ready",
  "failed",
] as const
export const schedules = ["never", "daily", "weekly"] as const
export type Schedule = (typeof schedules)[number]

/**
 * What visitors see of a source under an answer: title, passage and link; the same without the link; or
 * nothing at all, though it still answers.
 */
export const visibilities = ["link", "title", "hidden"] as const
export type Visibility = (typeof visibilities)[number]

/** 20 MB, as product.md's limits say. */
export const maxFileBytes = 20 * 1024 * 1024
const maxTextChars = 2_000_000

/** A golden question that passes now and would fail. */
export const worsened = z.strictObject({
  questionId: z.string(),
  question: z.string(),
  expects: z.enum(["answer", "refusal"]),
})
export type Worsened = z.infer<typeof worsened>

export const sourceView = z.strictObject({
  id: z.string(),
  botId: z.string(),
  kind: z.enum(sourceKinds),
  title: z.string(),
  url: z.string().nullable(),
  status: z.enum(sourceStatuses),
  /** 0 to 100. */
  progress: z.number().int(),
  chunkCount: z.number().int(),
  byteSize: z.number().int(),
  /** A sentence for the owner; set when the status is `failed`. */
  error: z.string().nullable(),
  /** A sentence about what was left out, or about a newer version that could not be read. */
  notice: z.string().nullable(),
  /** Golden questions that would get worse; set when the status is `held`. */
  worse: z.array(worsened).nullable(),
  /** Of the reading under way, where what is read has pages. */
  pagesDone: z.number().int(),
  pageCount: z.number().int().nullable(),
  /** The website that this page belongs to. */
  crawlId: z.string().nullable(),
  visibility: z.enum(visibilities),
  /** When a single web page is read again; a website's pages follow their website. */
  schedule: z.enum(schedules),
  nextRunAt: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
})
export type SourceView = z.infer<typeof sourceView>

export const crawlStatuses = ["queued", "running", "done", "failed", "stopped"] as const

/** A website that is read as a whole; its pages are sources. */
export const crawlView = z.strictObject({
  id: z.string(),
  botId: z.string(),
  url: z.string(),
  status: z.enum(crawlStatuses),
  schedule: z.enum(schedules),
  maxPages: z.number().int(),
  visibility: z.enum(visibilities),
  /** Paths that are left out, with everything below them. */
  exclude: z.array(z.string()),
  /** Pages found in this run, and those of them that are done with. */
  pagesFound: z.number().int(),
  pagesDone: z.number().int(),
  /** Until this run is over, at the speed so far; null while that says nothing. */
  secondsLeft: z.number().int().nullable(),
  /** Pages that answer questions now. */
  pagesReady: z.number().int(),
  skippedCount: z.number().int(),
  /** The first of them, with the reason for each. */
  skipped: z.array(z.strictObject({ url: z.string(), reason: z.string() })),
  notice: z.string().nullable(),
  error: z.string().nullable(),
  finishedAt: z.string().nullable(),
  nextRunAt: z.string().nullable(),
  createdAt: z.string(),
})
export type CrawlView = z.infer<typeof crawlView>

export const sourceText = z.strictObject({
  text: z.string(),
  /** True when the text is longer than what is shown. */
  truncated: z.boolean(),
})
export type SourceText = z.infer<typeof sourceText>

export const passage = z.strictObject({
  chunkId: z.string(),
  sourceId: z.string(),
  title: z.string(),
  heading: z.string(),
  page: z.number().int().nullable(),
  url: z.string().nullable(),
  text: z.string(),
  score: z.number(),
  visibility: z.enum(visibilities),
})
export type Passage = z.infer<typeof passage>

export const searchResult = z.strictObject({
  /** Best first. */
  passages: z.array(passage),
  /** How sure it is that the passages answer the question, 0 to 1; relevant from a half on. */
  confidence: z.number(),
  /** False when the bot should say that it does not know. */
  isRelevant: z.boolean(),
})
export type SearchResult = z.infer<typeof searchResult>

const hasText = (value: string) => /[\p{L}\p{N}]/u.test(value)

const title = z
  .string()
  .trim()
  .min(1, "Give it a title.")
  .max(200, "Keep the title under 200 characters.")

export const addTextSourceInput = z.strictObject({
  title,
  text: z
    .string()
    .max(maxTextChars, "That is too much text for one source. Split it into several.")
    .refine(hasText, "There is no text to read here."),
})
export type AddTextSourceInput = z.infer<typeof addTextSourceInput>

export const addQuestionSourceInput = z.strictObject({
  question: z
    .string()
    .trim()
    .max(500, "Keep the question under 500 characters.")
    .refine(hasText, "Write the question."),
  answer: z
    .string()
    .trim()
    .max(10_000, "Keep the answer under 10,000 characters.")
    .refine(hasText, "Write the answer."),
})
export type AddQuestionSourceInput = z.infer<typeof addQuestionSourceInput>

/** "shop.example.com/help" is how people write an address. */
const webAddress = z
  .string()
  .trim()
  .min(1, "Write the address.")
  .max(2_000, "That address is too long.")
  .transform((text) => (/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`))
  .refine((text) => URL.canParse(text), "That is not a web address.")

export const addPageSourceInput = z.strictObject({
  url: webAddress,
  schedule: z.enum(schedules).default("never"),
})
export type AddPageSourceInput = z.input<typeof addPageSourceInput>

const maxListedPages = 50

/** Addresses of pages, one per line. */
export const addPageSourcesInput = z.strictObject({
  urls: z
    .string()
    .max(100_000, "That is too long. Add them in parts.")
    .transform((text) => [...new Set(text.split(/\s+/).filter(Boolean))])
    .refine((urls) => urls.length > 0, "Write the address.")
    .refine(
      (urls) => urls.length <= maxListedPages,
      `Add up to ${maxListedPages} pages at a time, or the whole website.`,
    ),
  schedule: z.enum(schedules).default("never"),
})
export type AddPageSourcesInput = z.input<typeof addPageSourcesInput>

/** What became of a list of addresses; those left out say why. */
export type AddedPages = { added: SourceView[]; refused: { url: string; reason: string }[] }

/** "/blog" leaves out "/blog" and everything below it. */
const excludedPath = z
  .string()
  .trim()
  .max(200, "That path is too long.")
  .regex(/^\/[^?#\s]*$/, "Write paths as they stand in an address, such as “/blog”.")
const exclude = z.array(excludedPath).max(50, "Leave out up to 50 paths.")

export const addCrawlInput = z.strictObject({
  url: webAddress,
  schedule: z.enum(schedules).default("never"),
  maxPages: z.number().int().min(1).max(500).default(200),
  exclude: exclude.default([]),
  visibility: z.enum(visibilities).default("link"),
})
export type AddCrawlInput = z.input<typeof addCrawlInput>

/** What can be changed of a source and of a website without reading it again. */
export const updateSourceInput = z.strictObject({
  visibility: z.enum(visibilities).optional(),
  schedule: z.enum(schedules).optional(),
})
export type UpdateSourceInput = z.infer<typeof updateSourceInput>
export const updateCrawlInput = updateSourceInput.extend({ exclude: exclude.optional() })
export type UpdateCrawlInput = z.infer<typeof updateCrawlInput>

/** What the API takes as JSON: pasted text, a question with its answer, or a page's address. */
export const addSourceInput = z.union([
  addTextSourceInput,
  addQuestionSourceInput,
  addPageSourceInput,
])
export type AddSourceInput = z.input<typeof addSourceInput>

/** The next version of a source that was typed; a file's comes as a file. */
export const replaceSourceInput = z.union([addTextSourceInput, addQuestionSourceInput])
export type ReplaceSourceInput = z.infer<typeof replaceSourceInput>

export const listSourcesInput = z.object({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).optional(),
  status: z.enum(sourceStatuses).optional(),
})

export const searchInput = z.strictObject({
  query: z.string().trim().min(1, "Write a question.").max(4_000),
  limit: z.number().int().min(1).max(50).default(8),
})
export type SearchInput = z.infer<typeof searchInput>

/** What `/v1` answers: passages without what only our own pages show. */
export const searchAnswer = z.strictObject({
  data: z.array(
    passage.pick({ chunkId: true, sourceId: true, title: true, text: true, score: true }),
  ),
})
