"use client"

import { Toast as Primitive } from "radix-ui"
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react"
import { IconButton } from "./button.tsx"
import { Icon } from "./icon.tsx"

type Notice = { id: number; text: string; tone: "good" | "bad" }
type Notify = (text: string, tone?: Notice["tone"]) => void

const NotifyContext = createContext<Notify>(() => {})

/** Says in one line that something happened. Errors belong beside the thing that failed, not here. */
export function useNotify(): Notify {
  return useContext(NotifyContext)
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([])
  const notify = useCallback<Notify>((text, tone = "good") => {
    setNotices((all) => [...all.slice(-2), { id: Date.now() + Math.random(), text, tone }])
  }, [])
  const value = useMemo(() => notify, [notify])
  return (
    <NotifyContext value={value}>
      <Primitive.Provider label="Notice" duration={5000}>
        {children}
        {notices.map((notice) => (
          <Primitive.Root
            key={notice.id}
            onOpenChange={(isOpen) => {
              if (!isOpen) setNotices((all) => all.filter((other) => other.id !== notice.id))
            }}
            className="flex animate-rise items-center gap-3 rounded-card border border-hairline bg-card py-2 ps-4 pe-2 shadow-raised"
          >
            <Icon
              name={notice.tone === "good" ? "check" : "alert"}
              size={18}
              className={notice.tone === "good" ? "text-action" : "text-danger"}
            />
            <Primitive.Description className="flex-1 text-14 wrap-anywhere">
              {notice.text}
            </Primitive.Description>
            <Primitive.Close asChild>
              <IconButton icon="close" label="Close this notice" />
            </Primitive.Close>
          </Primitive.Root>
        ))}
        <Primitive.Viewport className="fixed inset-x-4 bottom-4 z-60 mx-auto flex max-w-sm flex-col gap-2 outline-none" />
      </Primitive.Provider>
    </NotifyContext>
  )
}
