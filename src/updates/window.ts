// When updates and reboots may begin: `Mon-Fri 09:00-17:00 Europe/Berlin`. Days may be left out (every day), and the time zone (UTC).
// A window that ends at or before it begins ends on the day after, and belongs to the day on which it began. What time it is
// in a zone, its summer time included, is asked of the time zone database that Node carries.

/** Days of the week, Monday first. */
const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
type Day = typeof days[number]

export interface Window {
  /** As it was written. */
  readonly text: string
  readonly days: ReadonlySet<Day>
  /** Minutes after midnight; `to` may be 1440, and is not larger than `from` in one over midnight. */
  readonly from: number
  readonly to: number
  /** The time in its zone; making one takes longer than asking it. */
  readonly format: Intl.DateTimeFormat
}

const minutesOfDay = 1440
const minute = 60_000

/** undefined for what is no window. */
export function parseWindow (text: string): Window | undefined {
  const [, dayText = 'Mon-Sun', from, to, zone = 'UTC'] =
    /^(?:([A-Za-z,-]{3,40}) +)?(\d{1,2}:\d\d)-(\d{1,2}:\d\d)(?: +([\w+/-]{1,64}))?$/.exec(text.trim()) ?? []
  if (from === undefined || to === undefined) return undefined
  const chosen = parseDays(dayText)
  const [begin, end] = [parseTime(from), parseTime(to)]
  const format = formatFor(zone)
  if (chosen === undefined || format === undefined || begin === undefined || end === undefined) return undefined
  if (begin === minutesOfDay || begin === end) return undefined
  return { text, days: chosen, from: begin, to: end, format }
}

function parseDays (text: string): ReadonlySet<Day> | undefined {
  const chosen = new Set<Day>()
  for (const part of text.split(',')) {
    const [first, last = first, ...rest] = part.split('-').map(name => days.findIndex(day => day.toLowerCase() === name.toLowerCase()))
    if (first === undefined || first < 0 || last === undefined || last < 0 || rest.length > 0) return undefined
    for (let at = first; ; at = (at + 1) % days.length) {
      chosen.add(days[at]!)
      if (at === last) break
    }
  }
  return chosen
}

function parseTime (text: string): number | undefined {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  const time = hours * 60 + minutes
  return minutes < 60 && time <= minutesOfDay ? time : undefined
}

function formatFor (timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  } catch {
    return undefined
  }
}

/** `now` in milliseconds since the epoch. */
export function isOpen ({ days: chosen, from, to, format }: Window, now: number): boolean {
  const { day, time } = localTime(format, now)
  const isChosen = (at: number): boolean => chosen.has(days[(at + days.length) % days.length]!)
  if (to > from) return isChosen(day) && time >= from && time < to
  return (isChosen(day) && time >= from) || (isChosen(day - 1) && time < to)
}

/** When it opens next, in milliseconds since the epoch, to the minute: `now` when it is open. */
export function nextOpening (window: Window, now: number): number {
  if (isOpen(window, now)) return now
  const { days: chosen, from, format } = window
  const { day, time } = localTime(format, now)
  const ahead = [0, 1, 2, 3, 4, 5, 6, 7].find(later => chosen.has(days[(day + later) % days.length]!) && (later > 0 || from > time)) ?? 7
  const opens = (Math.floor(now / minute) + ahead * minutesOfDay + from - time) * minute
  // A clock that was put forward or back on the way there.
  const off = from - localTime(format, opens).time
  const across = Math.abs(off) > minutesOfDay / 2 ? off - Math.sign(off) * minutesOfDay : off
  return opens + across * minute
}

/** Day of the week, counted from Monday as 0, and minutes after midnight. */
function localTime (format: Intl.DateTimeFormat, now: number): { readonly day: number, readonly time: number } {
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]))
  return { day: days.findIndex(day => day === parts.get('weekday')), time: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
}
