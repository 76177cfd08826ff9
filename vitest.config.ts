import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["{app,components,lib,prisma,runtime,scripts}/**/*.test.{ts,tsx}"],
    globalSetup: "runtime/vitest-setup.ts",
    pool: "forks",
    // As in playwright.config.ts.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
