import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { applyMutation, mutations } from "./mutate.ts"

const root = join(import.meta.dirname, "..")

test.each(mutations)("can be broken: $name", (mutation) => {
  const source = readFileSync(join(root, mutation.file), "utf8")
  expect(applyMutation(mutation, source)).not.toBe(source)
  for (const file of mutation.tests) expect(existsSync(join(root, file))).toBe(true)
})

test("no two breaks share a name", () => {
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length)
})

test("a guard that moved is an error, not a pass", () => {
  const [mutation] = mutations as [(typeof mutations)[number]]
  expect(() => applyMutation(mutation, "")).toThrow("matches 0 places")
  expect(() => applyMutation(mutation, mutation.from + mutation.from)).toThrow("matches 2 places")
})
