"use client"

import { createContext, type ReactNode, useContext } from "react"

export type ConsoleFacts = {
  tenantId: string
  /** What this member may do; the server decides again on every command. */
  permissions: readonly string[]
  /** Where the loader and the widget are served from. */
  widgetUrl: string
}

const ConsoleContext = createContext<ConsoleFacts | null>(null)

export function ConsoleProvider({ facts, children }: { facts: ConsoleFacts; children: ReactNode }) {
  return <ConsoleContext value={facts}>{children}</ConsoleContext>
}

export function useConsole(): ConsoleFacts {
  const facts = useContext(ConsoleContext)
  if (!facts) throw new Error("Used outside the console's layout")
  return facts
}

/** Whether to offer an action at all; hiding it is courtesy, not protection. */
export function useCan(permission: string): boolean {
  return useConsole().permissions.includes(permission)
}
