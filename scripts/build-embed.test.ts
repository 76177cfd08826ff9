import { beforeAll, describe, expect, test } from "vitest"
import { brotliSize, budgets, bundleEmbed, type EmbedBuild } from "./build-embed.ts"

describe("what strangers' browsers load", () => {
  let built: EmbedBuild
  let loader: string
  let app: string

  beforeAll(async () => {
    built = await bundleEmbed()
    loader = new TextDecoder().decode(built.loader)
    app = new TextDecoder().decode(built.script)
  })

  test("the loader stays within its budget", () => {
    expect(brotliSize(built.loader)).toBeLessThanOrEqual(budgets.loaderBytes)
  })

  test("loader, app and style together stay within theirs", () => {
    const total = [built.loader, built.script, built.style].reduce(
      (sum, b) => sum + brotliSize(b),
      0,
    )
    expect(total).toBeLessThanOrEqual(budgets.totalBytes)
  })

  test("the loader is ready for any page: no eval, no markup sinks, no storage, no cookie", () => {
    expect(loader).not.toMatch(
      /\beval\b|\bFunction\(|innerHTML|insertAdjacentHTML|document\.write|srcdoc/,
    )
    expect(loader).not.toMatch(/localStorage|sessionStorage|indexedDB|\.cookie/)
  })

  test("no message ever goes to just anyone", () => {
    expect(loader + app).not.toMatch(/postMessage\([^)]*["']\*["']/)
  })

  test("the app has no markup sinks of its own and keeps no source map", () => {
    expect(app).not.toMatch(/insertAdjacentHTML|document\.write|srcdoc|sourceMappingURL/)
    expect(app).not.toMatch(/\beval\(|new Function/)
  })
})
