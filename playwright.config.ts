import { defineConfig } from "@playwright/test"
import { chromiumLaunchOptions } from "./e2e/chromium.ts"

// One worker: each owns a whole deployment (database, two web processes, the job worker), and two cores
// are what CI has. No retries: a test that fails sometimes is a bug somewhere.
export default defineConfig({
  testDir: "e2e",
  testMatch: "**/*.spec.ts",
  workers: 1,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [["list"]],
  outputDir: "test-results",
  use: {
    launchOptions: chromiumLaunchOptions(),
    actionTimeout: 10_000,
    navigationTimeout: 20_000,
    trace: "off",
    screenshot: "only-on-failure",
  },
})
