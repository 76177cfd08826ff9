import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { checkFile, checkTree, findCycles, listFiles, listImports, rows } from "./lint-imports.ts"

const root = join(import.meta.dirname, "..")

test("the project keeps every rule, and has no cycles", () => {
  expect(listFiles(root).length).toBeGreaterThan(200)
  expect(checkTree(root)).toEqual([])
})

test("no two rules share a name, and each says why", () => {
  expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length)
  for (const row of rows) expect(row.reason).toMatch(/^.{20,}\.$/)
})

describe("refused:", () => {
  test.each(rows)("$name", (row) => {
    const breaches = checkFile(row.bad.file, row.bad.code)
    expect(breaches.join("\n")).toContain(`${row.bad.file}: ${row.name}: `)
  })
})

describe("an import is seen however it is written", () => {
  test.each([
    ['import { x } from "pg"'],
    ["import x from 'pg'"],
    ['import * as x from "pg"'],
    ['import "pg"'],
    ['import {\n  x,\n  y,\n} from "pg"'],
    ['export * from "pg"'],
    ['export { x } from "pg"'],
    ['const x = await import("pg")'],
    ['const x = require("pg")'],
    ['import type { X } from "pg"'],
    ['import { type X, y } from "pg"'],
  ])("%s", (code) => {
    expect(listImports("lib/bots/queries.ts", code).map(({ target }) => target)).toEqual([
      "package:pg",
    ])
    expect(checkFile("lib/bots/queries.ts", code)).toHaveLength(1)
  })

  test("and no comment or text is taken for one", () => {
    const code = '// import { x } from "pg"\n/* import "pg" */\nconst from = "pg"\n'
    expect(listImports("lib/bots/queries.ts", code)).toEqual([])
    expect(checkFile("lib/bots/queries.ts", "// process.env is lib/env.ts's")).toEqual([])
  })

  test("by subpath, by sibling and by parent alike", () => {
    const targets = (code: string) =>
      listImports("lib/bots/queries.ts", code).map(({ target }) => target)
    expect(targets('import { x } from "#lib/http/route.ts"')).toEqual(["lib/http/route.ts"])
    expect(targets('import { x } from "../http/route.ts"')).toEqual(["lib/http/route.ts"])
    expect(targets('import { x } from "./commands.ts"')).toEqual(["lib/bots/commands.ts"])
  })
})

test("a type alone may be named where the thing may not be used", () => {
  const file = "lib/bots/queries.ts"
  expect(checkFile(file, 'import type { TenantScope } from "#lib/tenancy/scope.ts"')).toEqual([])
  expect(checkFile(file, 'import { type TenantScope } from "#lib/tenancy/scope.ts"')).toEqual([])
  expect(
    checkFile(file, 'import { scopeForJob, type TenantScope } from "#lib/tenancy/scope.ts"'),
  ).toHaveLength(1)
})

test("a cycle is found and named, a diamond is none", () => {
  const cycle = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["a"]],
  ])
  expect(findCycles(cycle)).toEqual([["a", "b", "c"]])
  const diamond = new Map([
    ["a", ["b", "c"]],
    ["b", ["d"]],
    ["c", ["d"]],
    ["d", []],
  ])
  expect(findCycles(diamond)).toEqual([])
})
