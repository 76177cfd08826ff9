import { defineConfig } from "@playwright/test"
import { chromiumLaunchOptions } from "./e2e/chromium.ts"

// One worker: each owns a whole deployment (database, two web processes, the job worker), and two cores
// are what CI has. On CI, whose machine others share, a red test is run once more and told as flaky; at home
// it is red.
export default defineConfig({
  testDir: "e2e",
  testMatch: "**/*.spec.ts",
  workers: 1,
  retries: process.env.CI ? 1 : 0,
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
