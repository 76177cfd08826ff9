/** Published bots first, then by name: the order of every list of bots. */
export function sortBots<Bot extends { name: string; published: boolean }>(bots: readonly Bot[]) {
  return [...bots].sort(
    (a, b) => Number(b.published) - Number(a.published) || a.name.localeCompare(b.name, "en"),
  )
}
