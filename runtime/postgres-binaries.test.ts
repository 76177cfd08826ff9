import { spawnSync } from "node:child_process"
import { cpSync, lstatSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { linkLibraries, prepareBinaries } from "./postgres-binaries.ts"

const folder = mkdtempSync(join(tmpdir(), "coatcheck-binaries-"))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test("the programs run where the package's postinstall never made its links", () => {
  const packaged = dirname(dirname(prepareBinaries(folder, null).postgres))
  const native = join(folder, "native")
  for (const part of ["bin", "lib", "pg-symlinks.json"])
    cpSync(join(packaged, part), join(native, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !lstatSync(path).isSymbolicLink() || basename(path) === part,
    })
  const run = (env: Record<string, string>) =>
    spawnSync(join(native, "bin", "initdb"), ["--version"], {
      env: env as unknown as NodeJS.ProcessEnv,
    })
  expect(run({}).status).not.toBe(0)
  const env = linkLibraries(native, join(folder, "libraries"))
  expect(run(env).stdout.toString()).toMatch(/PostgreSQL\) 18/)
})
