import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["{app,components,lib,prisma,runtime,scripts}/**/*.test.{ts,tsx}"],
    globalSetup: "runtime/vitest-setup.ts",
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
