"use server"

import { z } from "zod"
import { memberAction } from "#lib/http/action.ts"
import { addPageSource, cancelSource } from "#lib/knowledge/commands.ts"
import {
  addCrawl,
  deleteCrawl,
  refreshCrawl,
  scheduleCrawl,
  stopCrawl,
} from "#lib/knowledge/crawl-commands.ts"
import { addCrawlInput, addPageSourceInput, crawlSchedules } from "#lib/knowledge/schema.ts"

const botId = z.string()
const sourceId = z.string()
const crawlId = z.string()

export const addPage = memberAction({
  permission: "knowledge.write",
  input: addPageSourceInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => addPageSource(scope, botId, input),
})

export const addSite = memberAction({
  permission: "knowledge.write",
  input: addCrawlInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => addCrawl(scope, botId, input),
})

export const stopSource = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ sourceId }),
  handle: ({ scope, input }) => cancelSource(scope, input.sourceId),
})

export const refreshSite = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ crawlId }),
  handle: ({ scope, input }) => refreshCrawl(scope, input.crawlId),
})

export const scheduleSite = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ crawlId, schedule: z.enum(crawlSchedules) }),
  handle: ({ scope, input }) => scheduleCrawl(scope, input.crawlId, input.schedule),
})

export const stopSite = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ crawlId }),
  handle: ({ scope, input }) => stopCrawl(scope, input.crawlId),
})

export const deleteSite = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ crawlId }),
  handle: ({ scope, input }) => deleteCrawl(scope, input.crawlId),
})
