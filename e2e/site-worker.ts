import { failWorker, runWorker } from "../runtime/work.ts"
import { fetchCrawledSite } from "./crawled-site.ts"

// The worker as the tests start it: production's, with a way out to one website on loopback. Argument: its port.
runWorker({ fetch: fetchCrawledSite(Number(process.argv[2])) }).catch(failWorker)
