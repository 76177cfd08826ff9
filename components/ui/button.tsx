import Link from "next/link"
import type { ComponentProps, ReactNode } from "react"
import { joinClasses } from "./class-names.ts"
import { Icon, type IconName } from "./icon.tsx"

type Look = "action" | "plain" | "quiet" | "danger"
type Size = "regular" | "small"

const looks: Record<Look, string> = {
  action: "bg-action text-on-action hover:bg-action-hover border border-transparent",
  plain: "bg-card text-ink border border-edge/60 hover:bg-sunken hover:border-edge",
  quiet: "text-ink border border-transparent hover:bg-sunken",
  danger: "bg-danger text-on-danger hover:bg-danger-hover border border-transparent",
}

const sizes: Record<Size, string> = {
  regular: "min-h-9 px-3.5 py-1.5 text-14",
  small: "min-h-8 px-2.5 py-1 text-13",
}

/** The classes of a button, for links that look like one. */
export function buttonClasses(look: Look = "plain", size: Size = "regular"): string {
  return joinClasses(
    "inline-flex items-center justify-center gap-2 rounded-control font-medium text-center transition-colors",
    "pointer-coarse:min-h-11 disabled:opacity-55 disabled:cursor-not-allowed select-none",
    looks[look],
    sizes[size],
  )
}

type Shared = { look?: Look; size?: Size; icon?: IconName; children?: ReactNode }

type ButtonProps = Shared & ComponentProps<"button"> & { isBusy?: boolean; busyLabel?: string }

/** A verb. While busy it keeps its width and focus and says so to screen readers. */
export function Button({
  look = "plain",
  size = "regular",
  icon,
  isBusy = false,
  busyLabel,
  className,
  children,
  type = "button",
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      type={type}
      aria-busy={isBusy || undefined}
      aria-disabled={isBusy || undefined}
      className={joinClasses(buttonClasses(look, size), isBusy && "opacity-70", className)}
      onClick={isBusy ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {icon ? <Icon name={icon} size={size === "small" ? 16 : 18} className="-ms-0.5" /> : null}
      {isBusy && busyLabel ? busyLabel : children}
    </button>
  )
}

type LinkProps = Shared & ComponentProps<typeof Link>

/** Looks like a button, goes somewhere. */
export function ButtonLink({
  look = "plain",
  size = "regular",
  icon,
  className,
  children,
  ...rest
}: LinkProps) {
  return (
    <Link className={joinClasses(buttonClasses(look, size), className)} {...rest}>
      {icon ? <Icon name={icon} size={size === "small" ? 16 : 18} className="-ms-0.5" /> : null}
      {children}
    </Link>
  )
}

type IconButtonProps = ComponentProps<"button"> & {
  icon: IconName
  label: string
  iconSize?: number
}

/** A square button whose label is read out and shown on hover. */
export function IconButton({ icon, label, iconSize = 18, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={joinClasses(
        "inline-flex size-8 items-center justify-center rounded-control text-quiet hover:text-ink hover:bg-sunken transition-colors",
        "pointer-coarse:size-11 disabled:opacity-55",
        className,
      )}
      {...rest}
    >
      <Icon name={icon} size={iconSize} />
    </button>
  )
}
