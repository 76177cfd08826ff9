"use server"

import { z } from "zod"
import { memberAction } from "#lib/http/action.ts"
import { addPageSources } from "#lib/knowledge/add-sources.ts"
import { cancelSource, updateSource as updateTenantSource } from "#lib/knowledge/commands.ts"
import {
  addCrawl,
  deleteCrawl,
  refreshCrawl,
  stopCrawl,
  updateCrawl,
} from "#lib/knowledge/crawl-commands.ts"
import {
  addCrawlInput,
  addPageSourcesInput,
  updateCrawlInput,
  updateSourceInput,
} from "#lib/knowledge/schema.ts"
import {
  acceptSource as acceptTenantSource,
  discardSource as discardTenantSource,
} from "#lib/quality/held.ts"

const botId = z.string()
const sourceId = z.string()
const crawlId = z.string()

export const addPages = memberAction({
  permission: "knowledge.write",
  rate: "crawl.tenant",
  input: addPageSourcesInput.extend({ botId }),
  handle: ({ scope, input: { botId, urls, ...input } }) =>
    addPageSources(scope, botId, { ...input, urls: urls.join("\n") }),
})

export const addSite = memberAction({
  permission: "knowledge.write",
  rate: "crawl.tenant",
  input: addCrawlInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => addCrawl(scope, botId, input),
})

export const stopSource = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ sourceId }),
  handle: ({ scope, input }) => cancelSource(scope, input.sourceId),
})

export const acceptSource = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ sourceId }),
  handle: ({ scope, input }) => acceptTenantSource(scope, input.sourceId),
})

export const discardSource = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ sourceId }),
  handle: ({ scope, input }) => discardTenantSource(scope, input.sourceId),
})

export const refreshSite = memberAction({
  permission: "knowledge.write",
  rate: "crawl.tenant",
  input: z.strictObject({ crawlId }),
  handle: ({ scope, input }) => refreshCrawl(scope, input.crawlId),
})

export const updateSite = memberAction({
  permission: "knowledge.write",
  input: updateCrawlInput.extend({ crawlId }),
  handle: ({ scope, input: { crawlId, ...input } }) => updateCrawl(scope, crawlId, input),
})

export const updateSource = memberAction({
  permission: "knowledge.write",
  input: updateSourceInput.extend({ sourceId }),
  handle: ({ scope, input: { sourceId, ...input } }) => updateTenantSource(scope, sourceId, input),
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
