"use client"

import { createContext, useContext } from "react"

/** Asks for the password; true once it was right, false when the question was closed. */
export type AskPassword = () => Promise<boolean>

export const PasswordContext = createContext<AskPassword | null>(null)

export function useAskPassword(): AskPassword {
  const ask = useContext(PasswordContext)
  if (!ask) throw new Error("Used outside the console's layout")
  return ask
}
