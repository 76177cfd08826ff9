import { expect, test } from "vitest"
import { chooseSpeech } from "./texts.ts"

test.each([
  [["de-AT"], "de-AT", false],
  [[null, undefined, "", "xx", "fr"], "fr", false],
  [["ar-EG", "en"], "ar-EG", true],
  [["ja"], "en", false],
  [[], "en", false],
])("%j speaks %s", (wishes, locale, isRightToLeft) => {
  expect(chooseSpeech(wishes)).toMatchObject({ locale, isRightToLeft })
})

test.each(["de", "fr", "es", "tr", "ar"])(
  "%s says everything, with the same blanks as English",
  (language) => {
    const english = chooseSpeech(["en"]).texts
    const { texts } = chooseSpeech([language])
    expect(Object.keys(texts)).toEqual(Object.keys(english))
    for (const [key, text] of Object.entries(texts)) {
      expect(text.trim(), key).not.toBe("")
      expect(text.includes("{n}"), key).toBe(english[key as keyof typeof english].includes("{n}"))
    }
  },
)
