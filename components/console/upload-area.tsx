"use client"

import { type ReactNode, useEffect, useId, useRef, useState } from "react"
import { Button, IconButton } from "#components/ui/button.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { Icon } from "#components/ui/icon.tsx"
import type { Problem } from "./command.ts"
import { formatBytes } from "./format.ts"
import { acceptedFiles } from "./upload-source.ts"
import type { Uploads } from "./use-uploads.ts"

/** Problems that may be gone at the next try; the others are in the file itself. */
const passing = new Set(["offline", "internal", "unavailable", "rate_limited", "unauthorized"])

function toSentence({ code, title, detail }: Problem): string {
  return code === "invalid" ? detail : `${title} ${detail}`
}

/** A place to drop files or pick them, and the files still on their way. */
export function UploadArea({ uploads }: { uploads: Uploads }) {
  const inputId = useId()
  const [isOver, setOver] = useState(false)
  return (
    <div className="flex flex-col gap-3">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the button inside does the same */}
      <div
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          event.stopPropagation()
          setOver(false)
          uploads.add(event.dataTransfer.files)
        }}
        className={joinClasses(
          "flex flex-col items-center gap-1 rounded-control border border-dashed px-4 py-8 text-center transition-colors",
          isOver ? "border-action bg-action-tint" : "border-edge bg-paper",
        )}
      >
        <Icon name="upload" size={24} className="mb-1 text-quiet" />
        <p>
          <label
            htmlFor={inputId}
            className="font-medium text-action underline underline-offset-2 has-focus-visible:outline-2"
          >
            Choose files
          </label>{" "}
          or drop them here
        </p>
        <p className="text-13 text-quiet">
          PDF, Word, PowerPoint, Excel, tables (CSV), web pages, Markdown or text, up to 20 MB each
        </p>
        <input
          id={inputId}
          type="file"
          multiple
          accept={acceptedFiles}
          className="sr-only"
          onChange={(event) => {
            if (event.target.files) uploads.add([...event.target.files])
            event.target.value = ""
          }}
        />
      </div>
      {uploads.pending.length > 0 ? (
        <ul className="flex flex-col gap-2" aria-label="Files on their way">
          {uploads.pending.map((upload) => (
            <li
              key={upload.id}
              className={joinClasses(
                "flex flex-wrap items-center gap-3 rounded-control border px-3 py-2",
                upload.problem ? "border-danger/50 bg-danger-tint" : "border-hairline bg-paper",
              )}
            >
              <Icon name="file" size={18} className="text-quiet" />
              <div className="min-w-0 flex-1 basis-40">
                <p className="font-medium wrap-anywhere">{upload.file.name}</p>
                <p role={upload.problem ? "alert" : "status"} className="text-13 text-quiet">
                  {upload.problem
                    ? toSentence(upload.problem)
                    : `Sending ${formatBytes(upload.file.size)}…`}
                </p>
              </div>
              {upload.problem ? (
                <>
                  {passing.has(upload.problem.code) ? (
                    <Button size="small" icon="retry" onClick={() => uploads.retry(upload.id)}>
                      Try again
                    </Button>
                  ) : null}
                  <IconButton
                    icon="close"
                    label={`Remove ${upload.file.name} from this list`}
                    onClick={() => uploads.forget(upload.id)}
                  />
                </>
              ) : null}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  )
}

/** Lets files be dropped anywhere on the page, and shows where they would go. */
export function DropAnywhere({ uploads, children }: { uploads: Uploads; children: ReactNode }) {
  const [isOver, setOver] = useState(false)
  const depth = useRef(0)
  const add = useRef(uploads.add)
  add.current = uploads.add

  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return
      depth.current += 1
      setOver(true)
    }
    const leave = (event: DragEvent) => {
      if (!hasFiles(event)) return
      depth.current = Math.max(0, depth.current - 1)
      if (depth.current === 0) setOver(false)
    }
    const over = (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault()
    }
    const drop = (event: DragEvent) => {
      depth.current = 0
      setOver(false)
      if (!hasFiles(event) || event.defaultPrevented) return
      event.preventDefault()
      add.current(event.dataTransfer?.files ?? [])
    }
    window.addEventListener("dragenter", enter)
    window.addEventListener("dragleave", leave)
    window.addEventListener("dragover", over)
    window.addEventListener("drop", drop)
    return () => {
      window.removeEventListener("dragenter", enter)
      window.removeEventListener("dragleave", leave)
      window.removeEventListener("dragover", over)
      window.removeEventListener("drop", drop)
    }
  }, [])

  return (
    <>
      {children}
      {isOver ? (
        <div
          aria-hidden="true"
          className="pointer-events-none fixed inset-3 z-40 flex animate-appear items-center justify-center rounded-card border-2 border-dashed border-action bg-action-tint/90"
        >
          <p className="flex items-center gap-3 text-20 font-semibold text-action">
            <Icon name="upload" size={28} />
            Drop to add as a source
          </p>
        </div>
      ) : null}
    </>
  )
}
