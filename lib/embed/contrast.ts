/**
 * Keeps the owner's colour readable, whatever they picked: WCAG 2, 4.5:1 for text. Shared by the
 * loader and the widget, so that the launcher and the panel agree; written small for the loader.
 */

type Rgb = number[]

export const parseColor = (hex: string): Rgb => [1, 3, 5].map((at) => +`0x${hex.slice(at, at + 2)}`)

/** Relative luminance 0–1; the 2.2 power is within 0.008 of the piecewise sRGB curve (196965 = 255 ** 2.2). */
export const luminance = ([red, green, blue]: Rgb): number =>
  (0.2126 * red! ** 2.2 + 0.7152 * green! ** 2.2 + 0.0722 * blue! ** 2.2) / 196965

/**
 * A fill made of the owner's `#rrggbb` and the ink to write on it, at least 4.5:1. Mid-tones keep
 * white ink and get a little darker: that stays closer to a brand than black on orange.
 * Anything that is not a colour comes back as one that CSS ignores.
 */
export function fillFor(color: string): { fill: string; ink: string } {
  let rgb = parseColor(color)
  const isLight = luminance(rgb) > 0.3
  while (!isLight && luminance(rgb) > 0.175) rgb = rgb.map((value) => value * 0.97)
  return { fill: `rgb(${rgb})`, ink: isLight ? "#16181d" : "#fff" }
}

/** The owner's colour as text on a panel (`#rrggbb`), moved toward black or white to at least 4.5:1. */
export function accentOn(color: string, panel: string): string {
  const back = luminance(parseColor(panel))
  const target = back > 0.18 ? 0 : 255
  let rgb = parseColor(color)
  const ratio = (light: number) => (Math.max(light, back) + 0.05) / (Math.min(light, back) + 0.05)
  while (ratio(luminance(rgb)) < 4.7) rgb = rgb.map((value) => value + (target - value) * 0.05)
  return `rgb(${rgb.map(Math.round)})`
}
