/** The next round and even number an axis can end on: 2, 4, 10, 20, 40, 100 … */
export function niceMax(value: number): number {
  if (value <= 2) return 2
  const power = 10 ** Math.floor(Math.log10(value))
  return (
    ([1, 2, 4, 10].find((factor) => factor * power >= value && factor * power > 2) ?? 10) * power
  )
}
