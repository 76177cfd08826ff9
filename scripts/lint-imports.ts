import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"
import { pathToFileURL } from "node:url"

// Who may import whom. The list below is the only place that says so; scripts/lint-imports.test.ts feeds
// every row the import that it must refuse.

/** Modules of lib, lowest first: each may import those before it, the ground floor and itself. */
export const order = [
  "tokens",
  "tenancy",
  "audit",
  "bots",
  "billing",
  "limits",
  "bot-check",
  "outbound",
  "keys",
  "admission",
  "models",
  "knowledge",
  "tools",
  "chat",
  "conversations",
  "quality",
  "leads",
  "auth",
  "operator",
  "embed",
  "jobs",
  "http",
]

const ground = "(?:env|errors|ids|secrets|log|text)\\.ts"

export type Row = {
  name: string
  reason: string
  /** Files that the row binds, and those of them that it leaves alone. */
  files: RegExp
  except?: RegExp
  /** Imports it refuses; or the only ones it lets through. Targets are paths, or `package:name`. */
  never?: RegExp | ((target: string, file: string) => boolean)
  only?: RegExp
  /** `import type` disappears when the code runs. */
  areTypesFree?: boolean
  /** Text that must not stand in such a file. */
  text?: RegExp
  /** Set when the very path of a file is what is refused. */
  isPathRefused?: boolean
  /** What the row must refuse, for its test. */
  bad: { file: string; code: string }
}

const anyCode = /\.(?:ts|tsx)$/
const test = /\.(?:test|fixture|spec)\.tsx?$/
const server = /^(?:app|lib|components)\//

/** One row a module of lib: nothing from above. */
const moduleRows = order.map((name, at): Row => {
  const below = ["tenancy/prisma", ...order.slice(0, at + 1)].join("|")
  const above = order[at + 1]
  return {
    name: `lib/${name} imports lower modules alone`,
    reason: "No cycles: a lower module knows nothing of those above it.",
    files: new RegExp(`^lib/${name}/`),
    except: test,
    only: new RegExp(`^(?:package:|lib/${ground}$|lib/(?:${below})/)`),
    bad: {
      file: `lib/${name}/x.ts`,
      code: above ? `import { x } from "#lib/${above}/x.ts"` : `import x from "#app/page.tsx"`,
    },
  }
})

/** A package, or a file, with one importer. */
function owned(options: {
  what: RegExp
  owner: RegExp
  reason: string
  bad: string
  areTypesFree?: boolean
}): Row {
  const { what, owner, reason, bad, areTypesFree = false } = options
  return {
    name: `${bad.match(/"([^"]+)"/)![1]} has one importer`,
    reason,
    files: server,
    except: new RegExp(`${owner.source}|${test.source}`),
    never: what,
    areTypesFree,
    bad: { file: "lib/bots/queries.ts", code: bad },
  }
}

const route = /^app\/(?:.*\/)?route\.ts$/
const action = /^app\/(?:.*\/)?actions\.ts$/
/** Commands and queries of a module, also where they are split by subject. */
const commands =
  "(?:[a-z-]+/commands|auth/team|keys/api-keys|admission/tickets|knowledge/(?:search|add-sources|crawl-commands)|quality/(?:gate|gaps|held)|tools/(?:servers|try))\\.ts"
const schemas = "[a-z-]+/schema\\.ts"

export const rows: Row[] = [
  {
    name: "the ground floor imports nothing from lib but itself",
    reason: "Everything stands on it.",
    files: new RegExp(`^lib/${ground}$`),
    only: new RegExp(`^(?:package:|lib/${ground}$)`),
    bad: { file: "lib/errors.ts", code: 'import { x } from "#lib/tenancy/scope.ts"' },
  },
  ...moduleRows,
  {
    name: "schemas are safe for the browser",
    reason: "Components import them: what they import ends up in the page.",
    files: /^lib\/[a-z-]+\/schema\.ts$/,
    only: new RegExp(`^(?:package:zod$|lib/${schemas}$)`),
    areTypesFree: true,
    bad: { file: "lib/bots/schema.ts", code: 'import { env } from "#lib/env.ts"' },
  },
  {
    name: "what the loader and the widget take from lib is safe for the browser",
    reason: "It is bundled into other people's pages.",
    files: /^lib\/embed\/(?:loader|protocol|contrast)\.ts$/,
    only: /^lib\/embed\/(?:protocol|contrast)\.ts$/,
    bad: { file: "lib/embed/loader.ts", code: 'import { env } from "#lib/env.ts"' },
  },
  owned({
    what: /^(?:package:pg|package:@prisma\/.*|lib\/tenancy\/prisma\/.*)$/,
    owner: /^lib\/tenancy\/(?:database\.ts|prisma\/)/,
    reason: "Tenant rows are reached through withTenant alone.",
    bad: 'import pg from "pg"',
  }),
  owned({
    what: /^package:jose$/,
    owner: /^lib\/tokens\//,
    reason: "One place pins algorithm, typ, iss, aud and exp.",
    bad: 'import { jwtVerify } from "jose"',
  }),
  owned({
    what: /^package:next-auth(?!\/react$)/,
    owner: /^lib\/auth\//,
    reason: "Only lib/auth decides who is signed in.",
    bad: 'import { getServerSession } from "next-auth"',
  }),
  owned({
    what: /^package:@node-rs\/argon2$/,
    owner: /^lib\/auth\/password\.ts/,
    reason: "One place sets the parameters of a password hash.",
    bad: 'import { hash } from "@node-rs/argon2"',
  }),
  owned({
    what: /^package:(?:ai$|@ai-sdk\/(?!mcp$))/,
    owner: /^lib\/models\//,
    reason: "Every model call is bounded and priced there.",
    bad: 'import { streamText } from "ai"',
  }),
  owned({
    what: /^package:@ai-sdk\/mcp$/,
    owner: /^lib\/tools\/mcp\.ts$/,
    reason: "One place gives its client our way out and bounds what it asks.",
    bad: 'import { createMCPClient } from "@ai-sdk/mcp"',
  }),
  owned({
    what: /^package:(?:ioredis|@upstash\/.*)$/,
    owner: /^lib\/limits\//,
    reason: "Rates have one store and one fallback.",
    bad: 'import Redis from "ioredis"',
  }),
  owned({
    what: /^package:pg-boss$/,
    owner: /^lib\/jobs\//,
    reason: "The queue's tables are outside row security: ids and codes only.",
    bad: 'import { PgBoss } from "pg-boss"',
  }),
  owned({
    what: /^package:altcha-lib/,
    owner: /^lib\/bot-check\/challenge\.ts/,
    reason: "One place makes and judges challenges.",
    bad: 'import { verifySolution } from "altcha-lib"',
  }),
  owned({
    what: /^package:tldts$/,
    owner: /^lib\/keys\/origin\.ts/,
    reason: "One place decides what a website's address is.",
    bad: 'import { getDomain } from "tldts"',
  }),
  owned({
    what: /^package:(?:node:)?(?:https?|http2|dns(?:\/promises)?|tls|undici|ipaddr\.js)$/,
    owner: /^lib\/outbound\//,
    reason: "There is one way out to an address that a tenant can set.",
    bad: 'import { request } from "node:https"',
  }),
  owned({
    what: /^lib\/outbound\/outbound\.ts$/,
    owner: /^lib\/outbound\/fetch\.ts$/,
    reason: "Rules can be loosened there, which tests alone may do.",
    bad: 'import { createOutbound } from "#lib/outbound/outbound.ts"',
  }),
  owned({
    what: /^lib\/tenancy\/scope\.ts$/,
    owner:
      /^lib\/(?:tenancy\/|auth\/|keys\/api-keys\.ts|admission\/sessions\.ts|operator\/commands\.ts|knowledge\/(?:ingest|open-crawl|fill-vectors)\.ts|quality\/held\.ts|tools\/run\.ts)/,
    reason: "A scope is made where a credential was just proven; everyone else names its type.",
    areTypesFree: true,
    bad: 'import { scopeFromMember } from "#lib/tenancy/scope.ts"',
  }),
  {
    name: "modules of lib know no framework",
    reason: "The worker, the scripts and the tests run them without Next.",
    files: /^lib\//,
    except: new RegExp(`^lib/(?:auth/session|http/action|http/sign-in)\\.ts$|${test.source}`),
    never: /^package:(?:next$|next\/|react)/,
    bad: { file: "lib/bots/queries.ts", code: 'import { headers } from "next/headers"' },
  },
  {
    name: "route handlers call route(), commands and queries",
    reason: "Access, limits and errors are route()'s; a handler holds none of them.",
    files: route,
    only: new RegExp(
      [
        "^package:(?:zod|node:crypto)$",
        "^lib/env\\.ts$",
        "^lib/http/(?!action)[a-z-]+\\.ts$",
        `^lib/${commands}$`,
        `^lib/${schemas}$`,
        "^lib/[a-z-]+/queries\\.ts$",
        "^lib/admission/sessions\\.ts$",
        "^lib/auth/handler\\.ts$",
        "^lib/conversations/turn\\.ts$",
        "^lib/embed/(?:assets|page)\\.ts$",
        "^lib/limits/(?:chat|rates|streams)\\.ts$",
        "^lib/tenancy/(?:page|directory)\\.ts$",
      ].join("|"),
    ),
    // The API's description is made of the routes themselves.
    except: /^app\/v1\/openapi\.json\/route\.ts$/,
    bad: {
      file: "app/v1/bots/route.ts",
      code: 'import { withTenant } from "#lib/tenancy/database.ts"',
    },
  },
  {
    name: "route handlers read no cookies and headers past route()",
    reason: "route() authenticates; next/headers would be a second way.",
    files: route,
    never: /^package:next/,
    bad: { file: "app/api/embed/chat/route.ts", code: 'import { cookies } from "next/headers"' },
  },
  {
    name: "server actions call memberAction(), userAction() or publicAction() and commands",
    reason: "An action is a public address: its own check stands in the wrapper.",
    files: action,
    only: new RegExp(`^(?:package:zod$|lib/http/action\\.ts$|lib/${commands}$|lib/${schemas}$)`),
    bad: {
      file: "app/console/[tenant]/actions.ts",
      code: 'import { listBots } from "#lib/bots/queries.ts"',
    },
  },
  {
    name: "pages and layouts read through queries and lib/auth",
    reason: "A page shows; what it may show is decided below it.",
    files: /^app\//,
    except: /\/(?:route|actions)\.ts$/,
    only: new RegExp(
      [
        "^package:(?:react|next|next/(?:link|navigation|font/local|server)|next-auth/react)$",
        "^components/(?:ui|console)/",
        "^lib/[a-z-]+/queries\\.ts$",
        `^lib/${schemas}$`,
        "^lib/auth/session\\.ts$",
        "^lib/tenancy/(?:permissions|scope)\\.ts$",
        "^lib/(?:env|errors)\\.ts$",
        "^app/",
      ].join("|"),
    ),
    bad: {
      file: "app/console/[tenant]/page.tsx",
      code: 'import { withTenant } from "#lib/tenancy/database.ts"',
    },
  },
  {
    name: "no page imports another route's files",
    reason: "A page is deleted with its folder; what two share lives in components or above both.",
    files: /^app\//,
    except: /^app\/v1\/openapi\.json\/route\.ts$/,
    never: isForeignFolder,
    bad: {
      file: "app/console/[tenant]/leads/page.tsx",
      code: 'import { x } from "../audit/page.tsx"',
    },
  },
  {
    name: "client forms know no server",
    reason: "They are sent to the browser.",
    files: /^app\/.*\/_components\//,
    never: /^(?:lib\/(?!(?:[a-z-]+\/schema)\.ts$)|package:node:)/,
    bad: {
      file: "app/(auth)/sign-in/_components/sign-in-form.tsx",
      code: 'import { env } from "#lib/env.ts"',
    },
  },
  {
    name: "components know schemas and each other",
    reason: "They are sent to the browser.",
    files: /^components\/(?:ui|console)\//,
    except: test,
    only: new RegExp(
      `^(?:components/(?:ui|console)/|components/widget/(?:markdown|inline)\\.ts$|lib/${schemas}$|lib/embed/protocol\\.ts$|package:(?!node:|server-only))`,
    ),
    bad: {
      file: "components/console/inbox.tsx",
      code: 'import { listBots } from "#lib/bots/queries.ts"',
    },
  },
  {
    name: "ui primitives hold no domain words",
    reason: "They are for any page.",
    files: /^components\/ui\//,
    except: test,
    never: /^(?:components\/console|lib)\//,
    bad: { file: "components/ui/card.tsx", code: 'import { x } from "#lib/bots/schema.ts"' },
  },
  {
    name: "the widget shares nothing with the console",
    reason: "It is a small bundle of Preact in a frame of its own.",
    files: /^components\/widget\//,
    except: test,
    only: /^(?:components\/widget\/|lib\/embed\/(?:protocol|contrast)\.ts$|package:preact)/,
    bad: { file: "components/widget/app.tsx", code: 'import { x } from "#components/ui/card.tsx"' },
  },
  {
    name: "lib knows neither pages nor tools",
    reason: "Tools and pages are built on it.",
    files: /^lib\//,
    except: test,
    never: /^(?:app|components|runtime|scripts|prisma|e2e)\//,
    bad: { file: "lib/bots/queries.ts", code: 'import { makeBot } from "#prisma/factories.ts"' },
  },
  {
    name: "the launcher knows no product rules",
    reason: "It starts a database and processes; what they do is lib's.",
    files: /^runtime\//,
    except: test,
    only: new RegExp(
      `^(?:package:|runtime/|lib/${ground}$|lib/(?:jobs|tenancy)/|lib/limits/[a-z-]+\\.ts$|lib/auth/return-path\\.ts$|lib/admission/open-streams\\.ts$)`,
    ),
    bad: { file: "runtime/web.ts", code: 'import { createBot } from "#lib/bots/commands.ts"' },
  },
  {
    name: "the environment is read in lib/env.ts alone",
    reason: "One object, parsed once, that lists every bad variable at boot.",
    files: server,
    except: new RegExp(`^lib/env\\.ts$|${test.source}`),
    text: /\bprocess\s*\.\s*env\b|\bprocess\s*\[\s*["']env/,
    bad: { file: "lib/bots/queries.ts", code: "const secret = process.env.AUTH_SECRET" },
  },
  {
    name: "lib and pages fetch nothing themselves",
    reason:
      "lib/outbound vets, pins and bounds; Redis, model providers and the verifier are the operator's addresses.",
    files: /^(?:lib|app)\//,
    except: new RegExp(
      `^lib/(?:outbound/|embed/loader\\.ts$|bot-check/turnstile\\.ts$)|${test.source}`,
    ),
    text: /(?<![.\w])fetch\s*\(|\bglobalThis\s*\.\s*fetch\b/,
    bad: { file: "lib/bots/queries.ts", code: "await fetch(url)" },
  },
  {
    name: "no SQL put together from text",
    reason: "Values are bind parameters: a MAC or a visitor's word never becomes SQL.",
    files: anyCode,
    except: new RegExp(`^scripts/lint-imports\\.ts$|${test.source}`),
    text: /\$(?:query|execute)RawUnsafe\b|\bPrisma\.raw\b/,
    bad: { file: "lib/bots/queries.ts", code: "await tx.$queryRawUnsafe(sql)" },
  },
  {
    name: "no setting outlives its transaction",
    reason: "A session-level setting leaks to the next borrower of the connection.",
    files: server,
    except: test,
    text: /set_config\([^)]*,\s*false\s*\)|\bset\s+(?:session\s+)?(?:app|tenant)\.\w+/i,
    bad: {
      file: "lib/tenancy/database.ts",
      code: "tx.$queryRaw`select set_config('app.tenant_id', 'x', false)`",
    },
  },
  {
    name: "no barrels",
    reason: "A name is imported from the file it is written in.",
    files: /(?:^|\/)index\.tsx?$/,
    isPathRefused: true,
    bad: { file: "lib/bots/index.ts", code: "export {}" },
  },
  {
    name: "no folders without a subject",
    reason: "Such folders collect what nobody found a place for.",
    files: /(?:^|\/)(?:utils?|helpers?|services|hooks|types|shared)\//,
    isPathRefused: true,
    bad: { file: "lib/utils/text.ts", code: "export {}" },
  },
]

type Import = {
  target: string
  isType: boolean
  /** `import()`: loaded when it is called. */
  isLate: boolean
}

const statement =
  /^[ \t]*(?:import|export)\b(?<clause>[^"';]*?)\bfrom\s*["'](?<from>[^"']+)["']|^[ \t]*import\s*["'](?<bare>[^"']+)["']|\bimport\s*\(\s*["'](?<called>[^"']+)["']|\brequire\s*\(\s*["'](?<required>[^"']+)["']/gm

/** What a file imports: project files as paths from its root, anything else as `package:name`. */
export function listImports(file: string, source: string): Import[] {
  return [...withoutComments(source).matchAll(statement)].map((match) => {
    const { clause = "", from, bare, called, required } = match.groups!
    const name = (from ?? bare ?? called ?? required)!
    const kind = {
      isType: /^\s*type\b/.test(clause) || hasOnlyTypes(clause),
      isLate: called !== undefined,
    }
    if (name.startsWith("#")) return { target: name.slice(1), ...kind }
    if (name.startsWith(".")) return { target: posix.join(dirname(file), name), ...kind }
    return { target: `package:${name}`, ...kind }
  })
}

/** `{ type A, type B }`. */
function hasOnlyTypes(clause: string): boolean {
  const names = /^\s*\{([\s\S]*)\}\s*$/.exec(clause)?.[1]?.split(",") ?? [clause]
  return names.every((name) => /^\s*(?:type\s|$)/.test(name))
}

/** True unless what a page imports stands beside or above it, or in its own _components. */
function isForeignFolder(target: string, file: string): boolean {
  const [from, to] = [`${dirname(file)}/`, `${dirname(target)}/`]
  return target.startsWith("app/") && !from.startsWith(to) && !to.startsWith(`${from}_components/`)
}

/** Every breach of a row in one file, as `file: row: what`. */
export function checkFile(file: string, source: string): string[] {
  const imports = listImports(file, source)
  const code = withoutComments(source)
  return rows.flatMap((row) => {
    if (!row.files.test(file) || row.except?.test(file)) return []
    const found = row.isPathRefused ? [file] : (row.text?.exec(code) ?? []).slice(0, 1)
    const refused = imports.filter(
      ({ target, isType }) => !(isType && row.areTypesFree) && isRefused(row, target, file),
    )
    return [...found, ...refused.map(({ target }) => target)].map(
      (what) => `${file}: ${row.name}: ${what}. ${row.reason}`,
    )
  })
}

function isRefused({ never, only }: Row, target: string, file: string): boolean {
  const isNever = typeof never === "function" ? never(target, file) : never?.test(target)
  return isNever === true || (only !== undefined && !only.test(target))
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^[ \t]*\/\/.*$/gm, "")
}

const folders = ["app", "components", "e2e", "lib", "prisma", "runtime", "scripts"]

/** The project's own source files, as paths from its root. */
export function listFiles(root: string): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && anyCode.test(entry.name))
      .map((entry) => posix.join(entry.parentPath.slice(root.length + 1), entry.name))
      .filter((file) => !file.startsWith("lib/tenancy/prisma/")),
  )
}

/** Circles of files that import each other, types aside: each as its members. */
export function findCycles(graph: Map<string, string[]>): string[][] {
  const state = new Map<string, "open" | "done">()
  const path: string[] = []
  const cycles: string[][] = []
  const visit = (file: string) => {
    if (state.get(file) === "done") return
    if (state.get(file) === "open") {
      cycles.push(path.slice(path.indexOf(file)))
      return
    }
    state.set(file, "open")
    path.push(file)
    for (const next of graph.get(file) ?? []) visit(next)
    path.pop()
    state.set(file, "done")
  }
  for (const file of graph.keys()) visit(file)
  return cycles
}

/** Everything that is wrong in the project. */
export function checkTree(root: string): string[] {
  const sources = new Map(
    listFiles(root).map((file) => [file, readFileSync(join(root, file), "utf8")]),
  )
  const graph = new Map(
    [...sources].map(([file, source]) => [
      file,
      listImports(file, source)
        .filter(({ target, isType, isLate }) => !isType && !isLate && sources.has(target))
        .map(({ target }) => target),
    ]),
  )
  return [
    ...[...sources].flatMap(([file, source]) => checkFile(file, source)),
    ...findCycles(graph).map((cycle) => `${cycle.join(" → ")} → ${cycle[0]}: a cycle`),
  ]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const problems = checkTree(join(import.meta.dirname, ".."))
  for (const problem of problems) console.error(problem)
  console.log(`Imports: ${rows.length} rules, ${problems.length} breaches.`)
  process.exitCode = problems.length > 0 ? 1 : 0
}
