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
