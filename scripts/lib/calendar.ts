// The days, places and runtimes that the tests have to pass under besides today's, here's and the developer's.
import { existsSync } from 'node:fs'

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

/** What a test names that knows of days: the clock, certificates and keys, which are good from one day to another, and the age of files. */
const days = /\bnew Date\b|\bDate\.|systemClock|\bmakePki\b|\bGpg\b|toISOString|\bmtime/
/** Of zones and languages: dates that are read or written, what is sorted as people do, and what other programs say. */
const places = /\bnew Date\b|\bDate\.|toISOString|\bmtime|localeCompare|toLocale|\bIntl\.|\bGpg\b/
/** Starts the program, which is the same one on every day, and another one under another Node.js. */
const programs = /\b(?:Program|startProgram|builtProgram|bundledProgram)\b/
/** An etcd that looks at certificates does so by its own clock: Go's programs do not ask the C library for the time. */
const ownClock = /\bstartEtcd\(t, \{ tls\b/
/** The program as a whole, its commands and what they print of times: for every variant. */
const throughout: ReadonlySet<string> = new Set(['test/cli/serve.test.ts', 'test/cli/machines.test.ts'])

/** Whether a test file belongs into the short form, which CI runs each time: by what it names, or the source that it is the test of. */
export function isTouched (file: string, { daysAhead, bundledNode = false }: Variant, read: (path: string) => string | undefined): boolean {
  const own = read(file) ?? ''
  if (daysAhead !== undefined && ownClock.test(own)) return false
  const source = read(file.replace(/^test\/(.*)\.test\.ts$/, 'src/$1.ts')) ?? ''
  const named = daysAhead === undefined && !bundledNode ? places : days
  return throughout.has(file) || named.test(own) || places.test(source) || (bundledNode && programs.test(own))
}
