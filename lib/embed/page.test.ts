import { expect, test } from "vitest"
import { renderEmbedPage, renderEmptyPage } from "./page.ts"

const page = renderEmbedPage({
  nonce: "n0nce+/=",
  scriptPath: "/widget/app-1.js",
  stylePath: "/widget/app-1.css",
  bootstrap: { keyId: "</script><script>alert(1)</script>&\u2028", parentOrigin: "https://a.test" },
})

test("nothing in the bootstrap can end its own script", () => {
  const found = /<script[^>]*id="bootstrap"[^>]*>(.*?)<\/script>/s.exec(page)![1]!
  expect(found).not.toMatch(/[<>&\u2028]/)
  expect(JSON.parse(found).keyId).toBe("</script><script>alert(1)</script>&\u2028")
})

test("every script and style carries the nonce, and no style or handler is written in markup", () => {
  for (const [tag] of page.matchAll(/<(?:script|link)[^>]*>/g))
    expect(tag).toContain('nonce="n0nce+/="')
  expect(page).not.toMatch(/\sstyle=|\son\w+=|<style/)
})

test("the page for a dead key is always the same and loads nothing", () => {
  expect(renderEmptyPage()).toBe(renderEmptyPage())
  expect(renderEmptyPage()).not.toMatch(/<script|<link|src=|href=/)
})
