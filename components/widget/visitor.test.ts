import { afterEach, expect, test, vi } from "vitest"
import { createVisitorMemory } from "./visitor.ts"

function stubStorage(): Map<string, string> {
  const entries = new Map<string, string>()
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => entries.get(name) ?? null,
    setItem: (name: string, value: string) => entries.set(name, value),
    removeItem: (name: string) => entries.delete(name),
  })
  return entries
}

afterEach(() => vi.unstubAllGlobals())

test("held is not stored; kept is, under the key's id", () => {
  const entries = stubStorage()
  const memory = createVisitorMemory("key_1")
  memory.hold("secret")
  expect([...entries]).toEqual([])
  memory.keep()
  expect([...entries]).toEqual([["coatcheck:key_1", "secret"]])
})

test("another key's secret is never read", () => {
  stubStorage().set("coatcheck:key_1", "secret")
  expect(createVisitorMemory("key_2").read()).toBeNull()
  expect(createVisitorMemory("key_1").read()).toBe("secret")
})

test("forgotten is gone, and a later secret is not stored until it is kept", () => {
  const entries = stubStorage()
  entries.set("coatcheck:key_1", "secret")
  const memory = createVisitorMemory("key_1")
  memory.forget()
  memory.hold("next")
  expect([...entries]).toEqual([])
  expect(memory.read()).toBe("next")
})

test("without storage it lasts as long as the page", () => {
  vi.stubGlobal("localStorage", undefined)
  const memory = createVisitorMemory("key_1")
  memory.hold("secret")
  memory.keep()
  expect(memory.read()).toBe("secret")
})
