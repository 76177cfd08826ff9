import { failWorker, runWorker } from "./work.ts"

// Production's worker. It takes no arguments: nothing can tell it another way out to the web.
runWorker().catch(failWorker)
