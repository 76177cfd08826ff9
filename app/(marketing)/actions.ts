"use server"

import { z } from "zod"
import { createLandingTicket } from "#lib/admission/tickets.ts"
import { publicAction } from "#lib/http/action.ts"

export const openDemo = publicAction({
  input: z.strictObject({}),
  handle: ({ ip }) => createLandingTicket(ip),
})
