import { createServer } from "node:http"
import type { Fetch } from "#lib/knowledge/robots.ts"
import { createOutbound } from "#lib/outbound/outbound.ts"
import { listenOnLoopback } from "./fake-model.ts"

/** A name that no DNS knows (RFC 2606): the server takes it for a website that does not answer now. */
const host = "corner-shop.example"
export const crawledOrigin = `http://${host}`

export type CrawledSite = {
  port: number
  /** By path; a missing one is 404. */
  pages: Map<string, string>
  /** What was asked for, in order. */
  hits: string[]
  stop(): Promise<void>
}

/** A website for the tests' own worker to read. */
export async function startCrawledSite(): Promise<CrawledSite> {
  const pages = new Map<string, string>()
  const hits: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? "/"
    hits.push(path)
    const body = pages.get(path)
    const type = path.endsWith(".txt") ? "text/plain" : "text/html"
    response.writeHead(body === undefined ? 404 : 200, { "content-type": `${type}; charset=utf-8` })
    response.end(body ?? "")
  })
  const port = await listenOnLoopback(server)
  return {
    port,
    pages,
    hits,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * The way out that knows the site: its name leads to its port on loopback. Everything else is as strict as in
 * production, which has no such way: the worker that uses this is e2e/site-worker.ts.
 */
export function fetchCrawledSite(port: number): Fetch {
  const outbound = createOutbound({
    resolve: async (name) => (name === host ? ["127.0.0.1"] : []),
    isAllowedAddress: (address) => address === "127.0.0.1",
    isAllowedPort: (given) => given === port,
  })
  const withPort = (url: string) => url.replace(crawledOrigin, `${crawledOrigin}:${port}`)
  const plain = (url: string) => url.replace(`${crawledOrigin}:${port}`, crawledOrigin)
  return async (url, options) => {
    const response = await outbound.fetch(withPort(url), options)
    return { ...response, url: plain(response.url) }
  }
}
