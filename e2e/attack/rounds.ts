/** True under `npm run attack`: the forms that take minutes. `npm run check` runs the same tests, shorter. */
export const isLong = process.env.ATTACK === "long"

/** How often a test repeats: the first number in `npm run check`, the second in `npm run attack`. */
export function rounds(quick: number, long: number): number {
  return isLong ? long : quick
}
