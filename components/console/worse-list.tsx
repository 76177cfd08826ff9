import { formatNumber } from "./format.ts"

const shownQuestions = 6

type WorseListProps = {
  questions: readonly { questionId: string; question: string; expects: "answer" | "refusal" }[]
}

/** The golden questions that a change would make worse, and in which way. */
export function WorseList({ questions }: WorseListProps) {
  const rest = questions.length - shownQuestions
  return (
    <>
      <ul className="flex flex-col gap-2">
        {questions.slice(0, shownQuestions).map(({ questionId, question, expects }) => (
          <li key={questionId} className="rounded-control bg-sunken px-3 py-2">
            <span dir="auto" className="block font-medium wrap-anywhere">
              {question}
            </span>
            <span className="text-13 text-quiet">
              {expects === "refusal"
                ? "Would be answered; it should not."
                : "Would not be answered rightly any more."}
            </span>
          </li>
        ))}
      </ul>
      {rest > 0 ? (
        <p className="mt-2 text-13 text-quiet">And {formatNumber(rest, "more", "more")}.</p>
      ) : null}
    </>
  )
}
