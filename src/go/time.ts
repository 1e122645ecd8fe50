// Times and durations as Go's package time takes them.

export interface CivilTime {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** Seconds since the epoch in UTC; undefined where a part is out of its range, which time.Parse refuses. */
export function unixTime ({ year, month, day, hour, minute, second }: CivilTime): number | undefined {
  const date = new Date(Date.UTC(2000, month - 1, 1, hour, minute, second))
  date.setUTCFullYear(year, month - 1, day) // Date.UTC takes a year below 100 for one of the last century
  const exists = month >= 1 && month <= 12 && day >= 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  return exists ? date.getTime() / 1000 : undefined
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9
}

/** Whether time.ParseDuration takes the text: `2h15m`, `.5s`, `0`, with a sign; days are not known to it. */
export function isDuration (text: string): boolean {
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '0') return true
  const part = /(\d+(?:\.\d*)?|\.\d+)([^\d.]+)/gy
  let total = 0
  let end = 0
  for (let found = part.exec(unsigned); found !== null; found = part.exec(unsigned)) {
    const unit = nanoseconds[found[2] ?? '']
    if (unit === undefined) return false
    total += Number(found[1]) * unit
    end = part.lastIndex
  }
  return end > 0 && end === unsigned.length && total < 2 ** 63
}
