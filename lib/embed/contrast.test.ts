import { expect, test } from "vitest"
import { accentOn, fillFor } from "./contrast.ts"

/** WCAG 2 exactly, unlike the loader's short form: the judge must not share the shortcut. */
function contrast(first: string, second: string): number {
  const light = (color: string) => {
    const channels = color.startsWith("#")
      ? (color.length === 4
          ? [1, 2, 3].map((at) => color[at]!.repeat(2))
          : [1, 3, 5].map((at) => color.slice(at, at + 2))
        ).map((hex) => Number.parseInt(hex, 16))
      : color.match(/[\d.]+/g)!.map(Number)
    const [red, green, blue] = channels.map((value) => {
      const share = Math.round(value) / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  }
  const [low, high] = [light(first), light(second)].sort((a, b) => a - b)
  return (high! + 0.05) / (low! + 0.05)
}

const steps = [0, 24, 51, 77, 102, 128, 153, 179, 204, 230, 255]
const hex = (value: number) => value.toString(16).padStart(2, "0")
const colors = steps.flatMap((red) =>
  steps.flatMap((green) => steps.map((blue) => `#${hex(red)}${hex(green)}${hex(blue)}`)),
)

test("whatever colour the owner picks, the ink on it reaches 4.5:1", () => {
  for (const color of colors) {
    const { fill, ink } = fillFor(color)
    expect(contrast(fill, ink), color).toBeGreaterThanOrEqual(4.5)
  }
})

test.each(["#ffffff", "#fcfaf6", "#f3f1ec", "#13161c", "#1d2127", "#23272f"])(
  "as text on the panel %s it reaches 4.5:1",
  (panel) => {
    // App.tsx asks for the panel colour that is hardest to read on; the others only get better.
    const asked = Number.parseInt(panel.slice(1, 3), 16) > 128 ? "#f3f1ec" : "#262a32"
    for (const color of colors)
      expect(contrast(accentOn(color, asked), panel), color).toBeGreaterThanOrEqual(4.5)
  },
)

test("a colour that is dark enough already stays exactly the owner's", () => {
  expect(fillFor("#126047")).toEqual({ fill: "rgb(18,96,71)", ink: "#fff" })
})

test.each(["red;}body{display:none", "javascript:alert(1)", "", "#12"])(
  "%j ends, and becomes a value that CSS drops",
  (color) => {
    expect(fillFor(color).fill).toMatch(/^rgb\([\d.,NaN]*\)$/)
  },
)
