// Dates in HTTP headers, read in the three forms that Go's http.ParseTime takes (RFC 9110 section 5.6.7).
import { unixTime } from '../time.js'

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const shortDay = '(?:mon|tue|wed|thu|fri|sat|sun)'
const longDay = '(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)'
const month = `(?<month>${months.join('|')})`
const time = '(?<hour>\\d{1,2}):(?<minute>\\d\\d):(?<second>\\d\\d)(?:[.,]\\d+)?'

const forms = [
  new RegExp(`^${shortDay}, (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`, 'i'),
  new RegExp(`^${longDay}, (?<day>\\d\\d)-${month}-(?<year>\\d\\d) ${time} [A-Z]{3,4}$`, 'i'),
  new RegExp(`^${shortDay} ${month} +(?<day>\\d{1,2}) ${time} (?<year>\\d{4})$`, 'i')
]

/** Seconds since the epoch; undefined for what is no date. */
export function parseHttpDate (text: string): number | undefined {
  for (const form of forms) {
    const found = form.exec(text)?.groups
    if (found === undefined) continue
    const { year = '', month = '', day, hour, minute, second } = found
    const century = year.length === 4 ? 0 : Number(year) >= 69 ? 1900 : 2000
    return unixTime({
      year: century + Number(year),
      month: months.indexOf(month.toLowerCase()) + 1,
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second)
    })
  }
  return undefined
}

/** `seconds` since the epoch as a Last-Modified header writes it. */
export const formatHttpDate = (seconds: number): string => new Date(seconds * 1000).toUTCString()
