// Versions as publishers write them: numbers joined by dots (4230.2.1, 43.20260105.3.0), and after a sign what says how it was built;
// and the id by which Omaha knows what has them.

/** Flatcar's, and Container Linux's before it. */
export const osAppId = 'e96281a6-d1af-4bde-9a0a-97b76e56dc57'

/** Whether it could be the version of a release. */
export const isVersion = (text: string): boolean => /^\d{1,15}(?:\.\d{1,15}){0,7}(?:[+-][\w.+-]{0,64})?$/.test(text)

/**
 * Negative when `a` is older than `b`, 0 when neither is: by their numbers, one that is missing being 0. What follows a sign
 * does not count, so that nobody is updated from one build of a release to another.
 */
export function compareVersions (a: string, b: string): number {
  const [ours, theirs] = [numbersOf(a), numbersOf(b)]
  for (let at = 0; at < Math.max(ours.length, theirs.length); at++) {
    const difference = (ours[at] ?? 0) - (theirs[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const numbersOf = (version: string): readonly number[] => version.split(/[+-]/, 1)[0]!.split('.').map(Number)
