"use client"

import { useRouter } from "next/navigation"
import { useCallback, useRef, useState } from "react"
import type { SourceView } from "#lib/knowledge/schema.ts"
import type { Problem } from "./command.ts"
import { useConsole } from "./console-context.tsx"
import { uploadSource } from "./upload-source.ts"

export type Upload = { id: number; file: File; problem: Problem | null }
export type Uploads = {
  pending: Upload[]
  add: (files: Iterable<File>) => void
  retry: (id: number) => void
  forget: (id: number) => void
}

/** Files on their way in, one after the other. A file that was refused stays until it is dismissed. */
export function useUploads(botId: string, onAdded?: (source: SourceView) => void): Uploads {
  const { tenantId } = useConsole()
  const router = useRouter()
  const [pending, setPending] = useState<Upload[]>([])
  const nextId = useRef(1)
  const queue = useRef<Promise<void>>(Promise.resolve())

  const send = useCallback(
    (upload: Upload) => {
      queue.current = queue.current.then(async () => {
        const outcome = await uploadSource(tenantId, botId, upload.file)
        if (outcome.ok) {
          setPending((all) => all.filter((one) => one.id !== upload.id))
          onAdded?.(outcome.data)
          router.refresh()
          return
        }
        setPending((all) =>
          all.map((one) => (one.id === upload.id ? { ...one, problem: outcome.problem } : one)),
        )
      })
    },
    [tenantId, botId, onAdded, router],
  )

  return {
    pending,
    add(files) {
      const added = [...files].map((file) => ({ id: nextId.current++, file, problem: null }))
      setPending((all) => [...all, ...added])
      for (const upload of added) send(upload)
    },
    retry(id) {
      const upload = pending.find((one) => one.id === id)
      if (!upload) return
      setPending((all) => all.map((one) => (one.id === id ? { ...one, problem: null } : one)))
      send({ ...upload, problem: null })
    },
    forget: (id) => setPending((all) => all.filter((one) => one.id !== id)),
  }
}
