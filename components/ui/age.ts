const steps: [limitSeconds: number, unitSeconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [3600, 60, "minute"],
  [86_400, 3600, "hour"],
  [604_800, 86_400, "day"],
  [2_629_800, 604_800, "week"],
  [31_557_600, 2_629_800, "month"],
  [Number.POSITIVE_INFINITY, 31_557_600, "year"],
]

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" })

/** "2 minutes ago", "yesterday": how long before `now` a moment lies. Under 45 seconds is "just now". */
export function formatAge(iso: string, now: number): string {
  const seconds = (now - Date.parse(iso)) / 1000
  if (Math.abs(seconds) < 45) return "just now"
  for (const [limit, unitSeconds, unit] of steps) {
    if (Math.abs(seconds) < limit) {
      return relative.format(
        -Math.max(1, Math.round(Math.abs(seconds) / unitSeconds)) * Math.sign(seconds),
        unit,
      )
    }
  }
  return iso
}
