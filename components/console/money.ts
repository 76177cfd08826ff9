function digitsOf(currency: string): number {
  return (
    new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions()
      .maximumFractionDigits ?? 2
  )
}

/** Minor units as people write money: 1250 USD → "$12.50". */
export function formatMoney(minor: number, currency: string): string {
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(
    minor / 10 ** digitsOf(currency),
  )
}

/** Minor units as one types them: 1250 USD → "12.50". */
export function writeMoney(minor: number, currency: string): string {
  return (minor / 10 ** digitsOf(currency)).toFixed(digitsOf(currency))
}

/**
 * What was typed as minor units, or null when it is no amount. Read digit by digit: 0.29 times 100 is not 29
 * in floating point.
 */
export function readMoney(text: string, currency: string): number | null {
  const digits = digitsOf(currency)
  const found = /^(\d{1,9})(?:[.,](\d*))?$/.exec(text.trim())
  const fraction = found?.[2] ?? ""
  if (!found || fraction.length > digits) return null
  return Number(found[1] + fraction.padEnd(digits, "0"))
}

/** A price as one types it, to at most three digits of a minor unit: "0.075" USD → "7.5". Null when it is none. */
export function readPrice(text: string, currency: string): string | null {
  const digits = digitsOf(currency)
  const found = /^(\d{1,9})(?:[.,](\d*))?$/.exec(text.trim())
  const fraction = (found?.[2] ?? "").padEnd(digits, "0")
  if (!found || fraction.length > digits + 3) return null
  const whole = `${found[1]}${fraction.slice(0, digits)}`.replace(/^0+(?=\d)/, "")
  const rest = fraction.slice(digits).replace(/0+$/, "")
  return whole.length > 9 ? null : rest ? `${whole}.${rest}` : whole
}

/** The way back: "7.5" → "0.075" USD. */
export function writePrice(minor: string, currency: string): string {
  const digits = digitsOf(currency)
  const [whole = "0", rest = ""] = minor.split(".")
  const padded = whole.padStart(digits + 1, "0")
  const fraction = `${digits ? padded.slice(-digits) : ""}${rest}`.replace(/0+$/, "")
  const units = digits ? padded.slice(0, -digits) : padded
  return fraction ? `${units}.${fraction}` : units
}
