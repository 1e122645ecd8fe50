// How far downloads are: on a terminal a line with a bar for each file under way, redrawn in place; elsewhere a line when a
// file begins and one when it is there.
import type { Writable } from 'node:stream'
import { formatBytes } from '../base/units.js'

export interface FileProgress {
  /** Which file, the same in every report of it. */
  readonly name: string
  readonly received: number
  readonly total: number | undefined
}

/** A file under way. */
interface FileLine { readonly name: string, readonly began: number, readonly from: number, received: number, total: number | undefined }

/** Characters of a line, where the terminal is wide enough: its name at the front and the bar. */
const [mostName, leastName, mostBar, leastBar] = [40, 20, 24, 4]
/** Columns of a terminal that does not say how many it has. */
const usualColumns = 80
/** Milliseconds between two drawings. */
const redraw = 100

type Terminal = Writable & { readonly columns?: number }

export class ProgressDisplay {
  readonly #out: Terminal
  readonly #terminal: boolean
  readonly #now: () => number
  readonly #files = new Map<string, FileLine>()
  readonly #done = new Set<string>()
  #lines = 0
  #drawn = -Infinity

  /** `now` gives milliseconds. */
  constructor (out: Terminal, terminal: boolean, now: () => number) {
    this.#out = out
    this.#terminal = terminal
    this.#now = now
  }

  report ({ name, received, total }: FileProgress): void {
    let file = this.#files.get(name)
    if (file === undefined) {
      file = { name, began: this.#now(), from: received, received, total }
      this.#files.set(name, file)
      if (!this.#terminal) this.#out.write(`${name}: ${total === undefined ? 'size unknown' : formatBytes(total)}${received > 0 ? `, from ${formatBytes(received)} on` : ''}\n`)
    }
    Object.assign(file, { received, total })
    if (received === total && !this.#terminal && !this.#done.has(name)) {
      this.#done.add(name)
      this.#out.write(`${name}: fetched, ${formatBytes(rateOf(file, this.#now()))}/s\n`)
    }
    if (this.#terminal && (this.#now() - this.#drawn >= redraw || received === total)) this.#draw()
  }

  /** A line above the bars. */
  print (line: string): void {
    this.#erase()
    this.#out.write(`${line}\n`)
    this.#drawn = -Infinity
  }

  /** Takes the bars away: what they told of has ended. */
  clear (): void {
    this.#erase()
    this.#files.clear()
    this.#done.clear()
  }

  #erase (): void {
    if (this.#lines > 0) this.#out.write(`\x1b[${this.#lines}A\x1b[J`)
    this.#lines = 0
  }

  #draw (): void {
    const now = this.#now()
    this.#drawn = now
    const { columns = 0 } = this.#out
    // One that takes two rows would not be taken away whole; at the last column a terminal may begin the next.
    const width = (columns > 0 ? columns : usualColumns) - 1
    const lines = [...this.#files.values()].filter(({ received, total }) => received !== total).map(file => progressLine(file, now, width))
    this.#erase()
    for (const line of lines) this.#out.write(`${line}\n`)
    this.#lines = lines.length
  }
}

const rateOf = ({ began, from, received }: FileLine, now: number): number => (received - from) / Math.max(0.001, (now - began) / 1000)

function progressLine (file: FileLine, now: number, width: number): string {
  const { name, received, total } = file
  const rate = rateOf(file, now)
  const share = total === undefined || total === 0 ? 0 : Math.min(1, received / total)
  const left = total === undefined || rate <= 0 ? '' : formatSeconds((total - received) / rate)
  const amount = total === undefined ? formatBytes(received) : `${formatBytes(received)} of ${formatBytes(total)}`
  const said = ` ${amount}  ${formatBytes(rate)}/s  ${left}`.trimEnd()
  const room = width - said.length
  const nameWidth = Math.min(mostName, Math.max(leastName, room - mostBar - 3))
  const barWidth = Math.min(mostBar, room - nameWidth - 3)
  const full = Math.round(share * barWidth)
  const bar = barWidth < leastBar ? '' : ` [${'#'.repeat(full)}${' '.repeat(barWidth - full)}]`
  return ((name.split(' ').at(-1) ?? name).padEnd(nameWidth).slice(-nameWidth) + bar + said).slice(0, width)
}

/** 45s, 3m10s, 2h05m */
export function formatSeconds (seconds: number): string {
  const whole = Math.ceil(seconds)
  const two = (number: number): string => String(number).padStart(2, '0')
  if (whole < 60) return `${whole}s`
  return whole < 3600 ? `${Math.floor(whole / 60)}m${two(whole % 60)}s` : `${Math.floor(whole / 3600)}h${two(Math.floor(whole / 60) % 60)}m`
}
