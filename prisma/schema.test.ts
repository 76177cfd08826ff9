import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { disconnect, type Tx, withTenant } from "#lib/tenancy/database.ts"
import { withClient } from "#runtime/database-roles.ts"
import { type MadeTenant, makeTenant } from "./factories.ts"

// The SQL is the source of truth and the Prisma schema a mirror of it: a column that only one of the two
// knows is found here and not by a visitor.

type Column = { name: string; type: string; isNullable: boolean }

const scalars: Record<string, string> = {
  String: "text",
  Int: "int4",
  BigInt: "int8",
  Boolean: "bool",
  DateTime: "timestamptz",
  Json: "jsonb",
  Bytes: "bytea",
  'Unsupported("tsvector")': "tsvector",
  'Unsupported("varbit")': "varbit",
  'Unsupported("cidr")': "cidr",
}

const source = readFileSync(join(import.meta.dirname, "schema.prisma"), "utf8")

/** The models as the schema file declares them, by table. */
const models = [...source.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, name, body]) => {
  const table = /@@map\("(\w+)"\)/.exec(body!)![1]!
  const columns = [...body!.matchAll(/^ {2}(\w+)\s+(Unsupported\("\w+"\)|\w+)(\?)?(.*)$/gm)].map(
    ([, field, type, optional, rest]): Column => ({
      name: /@map\("(\w+)"\)/.exec(rest!)?.[1] ?? field!,
      type:
        /@db\.(Inet|Uuid|Cidr)\b/.exec(rest!)?.[1]?.toLowerCase() ??
        `${rest!.startsWith("[]") ? "_" : ""}${scalars[type!] ?? type!}`,
      isNullable: optional === "?",
    }),
  )
  return { name: name!, table, columns }
})

let tables: Map<string, (Column & { table: string })[]>
let tenant: MadeTenant

beforeAll(async () => {
  tenant = await makeTenant()
  const { rows } = await withClient(process.env.TEST_OWNER_URL ?? "", (client) =>
    client.query<Column & { table: string }>(`
      select table_name as table, column_name as name, udt_name as type, is_nullable = 'YES' as "isNullable"
      from information_schema.columns where table_schema = 'public'`),
  )
  tables = Map.groupBy(rows, (row) => row.table)
})
afterAll(disconnect)

const byName = (a: Column, b: Column) => a.name.localeCompare(b.name)

test("every tenant table has a model, and tables outside the walls have none", () => {
  const outside = ["users", "sign_ins", "_prisma_migrations"]
  const expected = [...tables.keys()].filter((table) => !outside.includes(table))
  expect(models.map((model) => model.table).sort()).toEqual(expected.sort())
})

describe.each(models)("$name", ({ name, table, columns }) => {
  test("has the columns of its table, their types and their nulls", () => {
    const actual = tables.get(table)!.map(({ table: _, ...column }) => column)
    expect(columns.toSorted(byName)).toEqual(actual.sort(byName))
  })

  test("can be read", async () => {
    const property = (name[0]!.toLowerCase() + name.slice(1)) as keyof Tx
    await withTenant(tenant.scope, (tx) =>
      (tx[property] as { findFirst(): Promise<unknown> }).findFirst(),
    )
  })
})
