import { describe, expect, test } from "vitest"
import { makeSupportJudge } from "./support.ts"

const returns = {
  number: 1,
  title: "Returns",
  heading: "Shoes",
  text: "You may return shoes within ninety days if the box is whole. We pay the money back to the card within 5 working days.",
}
const hours = {
  number: 2,
  title: "Opening hours",
  heading: "",
  text: "The shop is open Monday to Saturday from 9 to 18. On Sundays it is closed.",
}

const judge = (
  sentence: string,
  numbers = [1],
  { question = "How long can I return shoes?", previous = "", passages = [returns, hours] } = {},
) => makeSupportJudge(question, passages)({ sentence, previous }, numbers)

describe("a sentence is supported by a passage", () => {
  test.each([
    ["in its own words", "You may return shoes within ninety days if the box is whole."],
    [
      "in a freer wording",
      "Yes, shoes can be sent back for ninety days as long as the box is whole.",
    ],
    ["that speaks of its title", "Shoes: returns take **ninety days**."],
    ["with a number written out the other way", "In 90 days, as everybody knows."],
    ["with a figure", "The money is back on your card after 5 days."],
    ["of one word that answers the question", "Yes."],
    ["that names the passage's heading", "See the part on shoes."],
  ])("%s", (_, sentence) => {
    expect(judge(sentence)).toEqual([1])
  })

  test("of a quotation that stands in it, whatever its spaces, case and marks", () => {
    expect(judge("It says “you may return shoes\n within NINETY days”.")).toEqual([1])
    expect(judge('It says "if the box is **whole**."')).toEqual([1])
    expect(judge("It says „within ninety days if the box is whole“.")).toEqual([1])
  })

  test("that carries on from the one before", () => {
    expect(
      judge("Yes.", [2], { question: "And Sundays?", previous: "On Sundays it is closed." }),
    ).toEqual([2])
  })
})

describe("a sentence is not supported by a passage", () => {
  test.each([
    [
      "about something else",
      "Delivery to Iceland costs twelve crowns and takes a fortnight by ship.",
    ],
    ["that another passage supports", "The shop is open from Monday to Saturday."],
    [
      "with a quotation that is not in it",
      "Shoes: “you may return shoes within two hundred days”.",
    ],
    ["with a quotation changed in one word", "It says “you may return shoes within nine days”."],
  ])("%s", (_, sentence) => {
    expect(judge(sentence)).toEqual([])
  })

  test("when it answers nothing and says nothing", () => {
    expect(judge("Yes.", [2], { question: "Do you sell garden furniture?" })).toEqual([])
  })
})

test("of two passages cited together, the one that says it keeps its number", () => {
  expect(judge("The shop is open on Saturday.", [1, 2])).toEqual([2])
  expect(judge("It says “on Sundays it is closed”.", [1, 2])).toEqual([2])
})

test("a short name in quotation marks is no quotation, nor are the question's own words", () => {
  expect(judge("The “box” must be whole for shoes within ninety days.")).toEqual([1])
  const question = "What about my bright red shoes?"
  expect(
    judge("You asked about “my bright red shoes”: return shoes in ninety days.", [1], { question }),
  ).toEqual([1])
})

describe("in another language than its passage", () => {
  test("a sentence is judged by its figures", () => {
    const passages = [hours]
    const inGerman = (sentence: string) => judge(sentence, [2], { passages })
    expect(
      inGerman("Der Laden ist von Montag bis Samstag von 9 bis 18 Uhr für Sie geöffnet."),
    ).toEqual([2])
    expect(inGerman("Am Sonntag ist der Laden für alle geschlossen.")).toEqual([2])
    expect(inGerman("Der Laden ist für Sie von 7 bis 23 Uhr geöffnet und nicht länger.")).toEqual(
      [],
    )
  })
})

test("scripts without spaces are compared as they are searched", () => {
  const passages = [
    { number: 1, title: "退货", heading: "", text: "您可以在九十天内退回鞋子，包装必须完好。" },
  ]
  expect(judge("九十天内可以退回鞋子。", [1], { passages })).toEqual([1])
  expect(judge("我们的商店周日不营业。", [1], { passages })).toEqual([])
})
