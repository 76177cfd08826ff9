import { test as base } from "@playwright/test"
import { type Deployment, startDeployment } from "./deployment.ts"
import { type Site, startSite } from "./sites.ts"

export { expect } from "@playwright/test"

type Sites = { shop: Site; evil: Site }

/** One deployment for each Playwright worker, two web processes on one database, and two foreign sites. */
export const test = base.extend<object, { deployment: Deployment; sites: Sites }>({
  deployment: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a function wants from it
    async ({}, use) => {
      const deployment = await startDeployment({ webCount: 2 })
      await use(deployment)
      await deployment.stop()
    },
    { scope: "worker", timeout: 90_000 },
  ],
  sites: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      const sites = { shop: await startSite("shop"), evil: await startSite("evil") }
      await use(sites)
      await Promise.all([sites.shop.stop(), sites.evil.stop()])
    },
    { scope: "worker" },
  ],
})
