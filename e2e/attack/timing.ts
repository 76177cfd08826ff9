import { isLong } from "./rounds.ts"

// Timing oracles by paired samples and ranks: means drown in one slow request, ranks do not.

type Attempt = () => Promise<unknown>

/** The chance that `slower` took longer than `faster`, ties counted half: 0.5 is no difference, 1 a sure one. */
export function readAuc(faster: number[], slower: number[]): number {
  const all = [
    ...faster.map((ms) => ({ ms, isSlower: false })),
    ...slower.map((ms) => ({ ms, isSlower: true })),
  ].sort((a, b) => a.ms - b.ms)
  let rankSum = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]!.ms === all[from]!.ms) to++
    const meanRank = (from + to + 1) / 2
    for (const sample of all.slice(from, to)) if (sample.isSlower) rankSum += meanRank
    from = to
  }
  const { length } = slower
  return (rankSum - (length * (length + 1)) / 2) / (length * faster.length)
}

/**
 * How well time alone tells two requests apart, from 0.5 (not at all) to 1: whichever is the slower one. Each
 * lane measures its share of the pairs beside the others, for requests that mostly wait.
 */
export async function measureSeparation(
  pairs: number,
  a: Attempt,
  b: Attempt,
  lanes = 1,
): Promise<number> {
  const [tookA, tookB]: [number[], number[]] = [[], []]
  const run = async (attempt: Attempt, took: number[]) => {
    const startedAt = performance.now()
    await attempt()
    took.push(performance.now() - startedAt)
  }
  const measure = async (count: number) => {
    for (let i = 0; i < count; i++) {
      // Which comes first is left to chance: order must not count.
      const both = [() => run(a, tookA), () => run(b, tookB)]
      if (Math.random() < 0.5) both.reverse()
      for (const each of both) await each()
    }
  }
  await measure(10)
  // That warmed up what both need.
  for (const took of [tookA, tookB]) took.length = 0
  await Promise.all(Array.from({ length: lanes }, () => measure(Math.ceil(pairs / lanes))))
  const auc = readAuc(tookA, tookB)
  return Math.max(auc, 1 - auc)
}

/**
 * What counts as no separation: 0.55 in the long form. Few samples scatter by 1/√(6n), so the quick form
 * allows five of those: it is blind to a slight difference and goes red at a plain one.
 */
export function separationLimit(pairs: number): number {
  return isLong ? 0.55 : 0.5 + 5 / Math.sqrt(6 * pairs)
}
