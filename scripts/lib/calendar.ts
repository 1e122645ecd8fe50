// The days, places and runtimes that the tests have to pass under besides today's, here's and the developer's.
import { existsSync, readFileSync } from 'node:fs'

export interface Variant {
  readonly name: string
  /** Days from `now` (epoch milliseconds) that the clock is ahead. */
  readonly daysAhead?: (now: number) => number
  readonly env?: Readonly<Record<string, string>>
  /** Under the Node.js of the bundle rather than the one at hand. */
  readonly bundledNode?: boolean
}

const day = 86_400_000

export const variants: readonly Variant[] = [
  { name: 'year-ahead', daysAhead: () => 400 },
  { name: 'leap-day', daysAhead: now => Math.round((nextLeapDay(now) - startOfDay(now)) / day) },
  { name: 'kolkata', env: { TZ: 'Asia/Kolkata' } },
  { name: 'german', env: { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' } },
  { name: 'bundled-node', bundledNode: true }
]

/** The variant of a day: each day another one, the same all day. */
export const variantOfDay = (now: number): Variant => variants[Math.floor(now / day) % variants.length]!

const startOfDay = (now: number): number => now - now % day

/** The start of the next 29 February that is not today, in UTC. */
export function nextLeapDay (now: number): number {
  for (let year = new Date(now).getUTCFullYear(); ; year++) {
    const candidate = Date.UTC(year, 1, 29)
    if (new Date(candidate).getUTCDate() === 29 && candidate > now) return candidate
  }
}

/** What moves the clock of a program and its children. */
const libraries = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1']

/** The surroundings of a variant. An offset, since with a fixed time each child would begin at it anew. */
export function surroundingsOf ({ name, daysAhead, env = {} }: Variant, now: number): Record<string, string> {
  if (daysAhead === undefined) return { ...env }
  const library = libraries.find(path => existsSync(path))
  if (library === undefined) throw new Error(`${name} needs libfaketime (the Debian package faketime; scripts/test installs it)`)
  // Timers go by the monotonic clock, which no calendar moves.
  return { ...env, LD_PRELOAD: library, FAKETIME: `+${daysAhead(now)}d`, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}

/** The test files that know of times, zones, languages, certificates or the runtime's own ways. */
const touched = /\bDate\b|systemClock|\b(?:Program|startProgram|makePki|Gpg)\b|localeCompare|toISOString|\bmtime|expire/

/** Whether a test file belongs into the short form, which CI runs each time. */
export const isTouched = (path: string): boolean => touched.test(readFileSync(path, 'utf8'))
