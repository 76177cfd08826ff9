import { z } from "zod"
import { fail } from "#lib/errors.ts"

export const pageInput = z.object({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})
export type PageInput = { cursor?: string | undefined; limit?: number | undefined }

/** The schema of one page of `item`. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ data: z.array(item), nextCursor: z.string().nullable() })
}

/** One page of a list; `nextCursor` is null on the last. */
export type Page<T> = { data: T[]; nextCursor: string | null }

type Position = { at: Date; id: string }

/** Where a list goes on: the time and id of the last row seen, so new rows never shift a page. */
export function readCursor(cursor: string | undefined): Position | null {
  if (!cursor) return null
  const [at, id] = Buffer.from(cursor, "base64url").toString("utf8").split("|")
  const time = new Date(at ?? "")
  const isPlausible = time.getTime() > 0 && time.getUTCFullYear() < 10_000
  if (!id || !/^[a-z]{3}_[0-9a-f]{24}$/.test(id) || !isPlausible) {
    throw fail("invalid", {
      issues: [{ path: "cursor", message: "Use a nextCursor that a list returned." }],
    })
  }
  return { at: time, id }
}

/** A Prisma `where` for rows older than the cursor, newest first by `column` then id. */
export function olderThan(column: string, cursor: string | undefined): object {
  const position = readCursor(cursor)
  if (!position) return {}
  return {
    OR: [{ [column]: { lt: position.at } }, { [column]: position.at, id: { lt: position.id } }],
  }
}

/** Cuts `limit + 1` rows to a page. `at` must be the column the rows are ordered by. */
export function toPage<Row extends { id: string }, View>(
  rows: Row[],
  limit: number,
  at: (row: Row) => Date,
  toView: (row: Row) => View,
): Page<View> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const isLast = rows.length <= limit || !last
  return {
    data: shown.map(toView),
    nextCursor: isLast
      ? null
      : Buffer.from(`${at(last).toISOString()}|${last.id}`, "utf8").toString("base64url"),
  }
}
