// A log line as somebody reads it who started the program by hand: time of day, level, event and fields, in columns. Colours tell
// the level, and keys from values; they are those that every terminal has.
import { fieldText } from './journal-line.js'

const sgr = (code: number): Paint => text => `\u001b[${code}m${text}\u001b[0m`
const [bold, dim] = [sgr(1), sgr(2)]
type Paint = (text: string) => string
const levelColours: Readonly<Record<string, Paint>> = { error: sgr(31), warn: sgr(33), info: sgr(32), debug: sgr(36), trace: dim }
/** What wants attention is told by its event's colour too. */
const eventColours: Readonly<Record<string, Paint>> = { error: sgr(31), warn: sgr(33) }

/** As wide as most events are; a longer one moves its own fields alone. */
const eventWidth = 22

/** `14:03:59.512  info   dhcp.offer              mac=52:54:00:c0:7e:01 ip=172.30.0.21` of one of pino's JSON lines; the time is local. */
export function terminalLine (json: string, { colours }: { readonly colours: boolean }): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>
  const paint = (how: Paint | undefined, text: string): string => colours && how !== undefined ? how(text) : text
  const words = Object.entries(fields).map(([key, value]) => `${paint(dim, `${key}=`)}${fieldText(value)}`)
  const event = typeof msg === 'string' ? fieldText(msg) : ''
  const columns = [
    paint(dim, timeOfDay(String(time))),
    paint(levelColours[String(level)], String(level).padEnd(5)),
    // The colour ends with the word, not with its column.
    `${paint(eventColours[String(level)] ?? bold, event)}${' '.repeat(words.length === 0 ? 0 : Math.max(0, eventWidth - event.length))}`
  ]
  return `${[...columns, words.join(' ')].join('  ').trimEnd()}\n`
}

function timeOfDay (iso: string): string {
  const at = new Date(iso)
  const two = (value: number, width = 2): string => String(value).padStart(width, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`
}
