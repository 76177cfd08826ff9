import { joinClasses } from "./class-names.ts"

/** The shape of what is coming. Appears only after 300 ms, so fast pages never flash it. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <div
      aria-hidden="true"
      className={joinClasses(
        "rounded-control bg-sunken opacity-0 [animation:appear_160ms_300ms_ease-out_reverse_forwards,breathe_1600ms_460ms_ease-in-out_infinite]",
        className,
      )}
    />
  )
}

/** A page's worth of skeleton, with the words a screen reader gets. */
export function PageSkeleton() {
  return (
    <div role="status" className="flex flex-col gap-4">
      <span className="sr-only">Loading</span>
      <Skeleton className="h-8 w-56" />
      <Skeleton className="h-40 w-full" />
      <Skeleton className="h-64 w-full" />
    </div>
  )
}
