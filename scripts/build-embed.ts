/**
 * Builds what strangers' browsers load: public/embed.js (the loader) and public/widget/ (the iframe's
 * app, named by content, with manifest.json). Prints what each weighs after brotli.
 */
import { createHash } from "node:crypto"
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { brotliCompressSync } from "node:zlib"
import { build, type Plugin } from "esbuild"

const root = join(import.meta.dirname, "..")

export const budgets = { loaderBytes: 2_000, totalBytes: 35_000 }

export type EmbedBuild = {
  loader: Uint8Array
  script: Uint8Array
  style: Uint8Array
}

/** Bundles loader and widget in memory. */
export async function bundleEmbed(): Promise<EmbedBuild> {
  const common = {
    bundle: true,
    minify: true,
    write: false,
    charset: "utf8",
    legalComments: "none",
    absWorkingDir: root,
    logLevel: "warning",
  } as const
  const [loader, app] = await Promise.all([
    build({
      ...common,
      entryPoints: ["lib/embed/loader.ts"],
      format: "iife",
      target: ["es2021", "chrome99", "firefox101", "safari16.4"],
      tsconfigRaw: {},
      plugins: [squeezeTemplates],
    }),
    build({
      ...common,
      entryPoints: { app: "components/widget/main.tsx" },
      outdir: "out",
      format: "iife",
      target: ["es2021", "chrome99", "firefox101", "safari16.4"],
      jsx: "automatic",
      jsxImportSource: "preact",
      tsconfig: "components/widget/tsconfig.json",
      define: { "process.env.NODE_ENV": '"production"' },
    }),
  ])
  const find = (end: string) => app.outputFiles.find((file) => file.path.endsWith(end))!.contents
  return { loader: loader.outputFiles[0]!.contents, script: find(".js"), style: find(".css") }
}

/** The loader's style sheet lives in a template literal, which minifiers leave as written. */
const squeezeTemplates: Plugin = {
  name: "squeeze-templates",
  setup(pluginBuild) {
    pluginBuild.onLoad({ filter: /embed[\\/]loader\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8")
      const contents = source.replace(/(const styles = `)([^`]*)`/, (_, start, css) => {
        return `${start}${css.replace(/\n/g, "")}\``
      })
      return { contents, loader: "ts" }
    })
  },
}

/** Size over the wire, as a CDN or a proxy would send it. */
export function brotliSize(bytes: Uint8Array): number {
  return brotliCompressSync(bytes).byteLength
}

async function readManifest(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, "manifest.json"), "utf8").catch(() => "{}")
  return Object.values<string>(JSON.parse(text)).map((path) => basename(path))
}

async function writeEmbed(): Promise<void> {
  const { loader, script, style } = await bundleEmbed()
  const output = join(root, "public", "widget")
  const name = (kind: string, bytes: Uint8Array) =>
    `app-${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}.${kind}`
  const [scriptName, styleName] = [name("js", script), name("css", style)]
  await mkdir(output, { recursive: true })
  const before = await readManifest(output)
  await writeFile(join(output, scriptName), script)
  await writeFile(join(output, styleName), style)
  const manifest = { scriptPath: `/widget/${scriptName}`, stylePath: `/widget/${styleName}` }
  await writeFile(join(output, "manifest.json"), `${JSON.stringify(manifest)}\n`)
  // The generation before stays: a server that is still running, or a page it sent, asks for it.
  const wanted = new Set(["manifest.json", scriptName, styleName, ...before])
  for (const file of await readdir(output))
    if (!wanted.has(file)) await rm(join(output, file), { recursive: true })
  await writeFile(join(root, "public", "embed.js"), loader)

  const sizes = [brotliSize(loader), brotliSize(script), brotliSize(style)] as const
  const total = sizes[0] + sizes[1] + sizes[2]
  const line = (label: string, bytes: number, note = "") =>
    console.log(`${label.padEnd(24)}${bytes.toLocaleString("en").padStart(8)} B brotli${note}`)
  line("embed.js", sizes[0], `  (budget ${budgets.loaderBytes.toLocaleString("en")})`)
  line(scriptName, sizes[1])
  line(styleName, sizes[2])
  line("until the composer works", total, `  (budget ${budgets.totalBytes.toLocaleString("en")})`)
}

if (import.meta.main) await writeEmbed()
