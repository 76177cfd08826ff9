import { notFound } from "next/navigation"
import { Failure } from "#lib/errors.ts"

/** Shows the not-found page for what is missing or somebody else's; other errors go on. */
export async function orNotFound<T>(read: Promise<T>): Promise<T> {
  try {
    return await read
  } catch (error) {
    if (error instanceof Failure && error.code === "not_found") notFound()
    throw error
  }
}
