const count = new Intl.NumberFormat("en")
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" })

/** 12345 → "12,345". */
export function formatCount(value: number): string {
  return count.format(value)
}

/** 12345 → "12.3K", for figures where the size matters and the last digit does not. */
export function formatCompact(value: number): string {
  return value < 10_000 ? count.format(value) : compact.format(value)
}

/** "1 message", "2 messages". */
export function formatNumber(value: number, singular: string, plural = `${singular}s`): string {
  return `${count.format(value)} ${value === 1 ? singular : plural}`
}

/** Bytes as people say them: "840 B", "12 KB", "3.4 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} KB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** "2026-11-20" → "Nov 20", without moving it into another time zone. */
export function formatDay(date: string): string {
  return day.format(new Date(`${date}T00:00:00Z`))
}

/** "https://www.shop.example" → "www.shop.example"; what is not an address stays as it is. */
export function formatSite(origin: string): string {
  return origin.replace(/^https:\/\//, "")
}

/** "about 2 minutes left". */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 60)
    return `about ${seconds < 10 ? "10" : Math.ceil(seconds / 10) * 10} seconds left`
  return `about ${formatNumber(Math.round(seconds / 60), "minute")} left`
}
