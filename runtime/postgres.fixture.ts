// A process for postgres.test.ts to kill: starts or attaches, reports over IPC, and on "write" inserts
// rows as fast as they are acknowledged, reporting each.
import { withClient } from "./database-roles.ts"
import { startEmbeddedPostgres } from "./postgres.ts"

const dataDir = process.argv[2] ?? ""
const report = (message: object) => process.send?.(message)

try {
  const server = await startEmbeddedPostgres(dataDir)
  process.on("message", async (message) => {
    if (message === "stop") {
      await server.stop()
      process.exit(0)
    }
    if (message !== "write") return
    await withClient(server.ownerUrl, async (client) => {
      await client.query("create table if not exists acknowledged (id bigint primary key)")
      const { rows } = await client.query(
        "select coalesce(max(id), 0)::int as last from acknowledged",
      )
      for (let id = rows[0].last + 1; ; id++) {
        await client.query("insert into acknowledged values ($1)", [id])
        report({ written: id })
      }
    })
  })
  report({ pid: server.pid, port: server.port, isOwner: server.isOwner })
} catch (error) {
  report({ error: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}
