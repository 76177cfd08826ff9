"use client"

import { Switch as Primitive } from "radix-ui"
import type { ComponentProps } from "react"
import { joinClasses } from "./class-names.ts"

/** On or off at once; the label says what is on. */
export function Switch({ className, ...rest }: ComponentProps<typeof Primitive.Root>) {
  return (
    <Primitive.Root
      className={joinClasses(
        "relative inline-flex h-6 w-10 shrink-0 items-center rounded-full border border-edge bg-sunken transition-colors",
        // The drawing stays small on touch screens, the area that takes the tap does not.
        "before:absolute before:-inset-2.5 data-[state=checked]:bg-action data-[state=checked]:border-action disabled:opacity-55",
        className,
      )}
      {...rest}
    >
      <Primitive.Thumb className="block size-4 translate-x-[3px] rounded-full bg-edge transition-transform data-[state=checked]:translate-x-[19px] data-[state=checked]:bg-on-action rtl:-translate-x-[3px] rtl:data-[state=checked]:-translate-x-[19px]" />
    </Primitive.Root>
  )
}
