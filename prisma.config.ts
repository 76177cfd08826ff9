import { defineConfig } from "prisma/config"

// `generate`, `validate` and `format` never run the schema engine but insist that its file exists, and
// it cannot be downloaded everywhere. `migrate` and `db` really need it: they are left alone.
if (["generate", "validate", "format"].includes(process.argv[2] ?? "")) {
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath
}

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  // `prisma migrate deploy` runs as the owner; the app role may not change the schema.
  ...(process.env.MIGRATION_DATABASE_URL && {
    datasource: { url: process.env.MIGRATION_DATABASE_URL },
  }),
})
