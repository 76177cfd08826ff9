import { existsSync } from "node:fs"
import type { LaunchOptions } from "@playwright/test"

/** The system's Chromium; undefined leaves Playwright to its own, where that is installed. */
export function findChromium(): string | undefined {
  const places = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser"]
  return places.find((place) => place && existsSync(place))
}

const disabledFeatures = [
  "AimEnabled",
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "Translate",
]

/** How every test, picture and bench starts the browser: nothing goes online by itself. */
export function chromiumLaunchOptions(): LaunchOptions {
  const executablePath = findChromium()
  return {
    ...(executablePath ? { executablePath } : {}),
    args: [
      // Chromium's own sandbox does not start as root.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--disable-quic",
      // Playwright switches storage partitioning off, and storage in a foreign frame then throws. The last
      // such flag counts: this one leaves partitioning on, as it is in every visitor's browser.
      `--disable-features=${disabledFeatures.join(",")}`,
    ],
  }
}
