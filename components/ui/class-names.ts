/** Joins class names, leaving out the conditions that did not hold. */
export function joinClasses(...parts: (string | false | null | undefined)[]): string {
  return parts.filter(Boolean).join(" ")
}
