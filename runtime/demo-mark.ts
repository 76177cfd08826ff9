import { withClient } from "./database-roles.ts"

const mark = "Coatcheck demo data: public sign-in, not for production"

/** Marks the database as a demo. The mark is a comment on its schema, so that a dump carries it along. */
export async function markDemo(ownerUrl: string): Promise<void> {
  await withClient(ownerUrl, (client) =>
    client.query(`comment on schema public is ${client.escapeLiteral(mark)}`),
  )
}

export async function isDemoDatabase(url: string): Promise<boolean> {
  return withClient(url, async (client) => {
    const { rows } = await client.query(
      "select obj_description('public'::regnamespace, 'pg_namespace') as comment",
    )
    return rows[0]?.comment === mark
  })
}

/** Throws when a demo database, whose sign-in is printed for everybody, is about to serve in production. */
export async function assertNotDemo(url: string): Promise<void> {
  if (await isDemoDatabase(url))
    throw new Error(
      "This database holds the demo, whose sign-in is public. It does not serve in production: use another DATA_DIR or DATABASE_URL.",
    )
}
