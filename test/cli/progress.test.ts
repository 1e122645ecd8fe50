// How far downloads are, in lines and on terminals of any width.
import { PassThrough } from 'node:stream'
import t from 'tap'
import { formatSeconds, ProgressDisplay } from '../../src/cli/progress.js'

const MiB = 2 ** 20

function display (terminal: boolean, columns?: number) {
  const out = Object.assign(new PassThrough(), columns === undefined ? {} : { columns })
  const time = { now: 0 }
  const said = (): string => String(out.read() ?? '')
  return { display: new ProgressDisplay(out, terminal, () => time.now), time, said }
}

t.test('without a terminal a line when a file begins and one when it is there', async t => {
  const { display: shown, time, said } = display(false)
  shown.report({ name: 'a', received: 0, total: 4 * MiB })
  shown.report({ name: 'b', received: MiB, total: undefined })
  t.equal(said(), 'a: 4.0 MiB\nb: size unknown, from 1.0 MiB on\n')
  time.now = 2000
  shown.report({ name: 'a', received: 2 * MiB, total: 4 * MiB })
  shown.report({ name: 'b', received: 2 * MiB, total: undefined })
  t.equal(said(), '')
  for (let n = 0; n < 2; n++) shown.report({ name: 'a', received: 4 * MiB, total: 4 * MiB })
  t.equal(said(), 'a: fetched, 2.0 MiB/s\n', 'once')
  shown.report({ name: 'b', received: 5 * MiB, total: 5 * MiB })
  t.equal(said(), 'b: fetched, 2.0 MiB/s\n', 'of what came now')
  shown.clear()
  shown.report({ name: 'a', received: 0, total: MiB })
  t.equal(said(), 'a: 1.0 MiB\n', 'begun again')
})

t.test('on a terminal a line each, ten times a second and when one is there, taken away before the next', async t => {
  const { display: shown, time, said } = display(true, 200)
  const line = (name: string, share: string, rest: string): string => `${name.padEnd(40)} [${share.padEnd(24)}] ${rest}\n`
  shown.report({ name: 'source 1.0 a', received: 0, total: 4 * MiB })
  t.equal(said(), line('a', '', '0 B of 4.0 MiB  0 B/s'))
  time.now = 99
  shown.report({ name: 'source 1.0 b', received: 0, total: undefined })
  t.equal(said(), '')
  time.now = 100
  shown.report({ name: 'source 1.0 a', received: MiB, total: 4 * MiB })
  t.equal(said(), `\x1b[1A\x1b[J${line('a', '#'.repeat(6), '1.0 MiB of 4.0 MiB  10.0 MiB/s  1s')}${line('b', '', '0 B  0 B/s')}`)
  time.now = 101
  shown.report({ name: 'source 1.0 a', received: 4 * MiB, total: 4 * MiB })
  t.equal(said(), `\x1b[2A\x1b[J${line('b', '', '0 B  0 B/s')}`)
  shown.print('said above')
  t.equal(said(), '\x1b[1A\x1b[Jsaid above\n')
  shown.report({ name: 'source 1.0 b', received: 0, total: 0 })
  t.equal(said(), '', 'nothing is under way')
  time.now = 300
  shown.report({ name: 'source 1.0 c', received: MiB, total: MiB / 2 })
  shown.clear()
  t.match(said(), /\[#{24}\] 1\.0 MiB of 512\.0 KiB/, 'more than was told is all of it')
  shown.clear()
  t.equal(said(), '', 'what is away is not taken away again')
})

t.test('no line is wider than the terminal: the name and the bar give way', async t => {
  const name = `source 1.0 ${'x'.repeat(40)}.the-end`
  for (const [columns, bar, shownName] of [
    [undefined, 16, 20], [0, 16, 20], [150, 24, 40], [108, 24, 40], [107, 24, 39], [89, 24, 21], [88, 24, 20],
    [87, 23, 20], [68, 4, 20], [67, 0, 20], [61, 0, 20], [30, 0, 20], [21, 0, 20], [10, 0, 9]
  ] as const) {
    const { display: shown, time, said } = display(true, columns)
    shown.report({ name, received: 0, total: 400 * MiB })
    said()
    time.now = 1000
    shown.report({ name, received: 100 * MiB, total: 400 * MiB })
    const line = said().replace('\x1b[1A\x1b[J', '').replace('\n', '')
    const whole = / 100\.0 MiB of 400\.0 MiB {2}100\.0 MiB\/s {2}3s$/
    const width = columns === undefined || columns === 0 ? 80 : columns
    t.ok(line.length < width, `${line.length} of ${width}`)
    t.equal(/\[(.*)\]/.exec(line)?.[1]?.length ?? 0, bar, `the bar at ${width}`)
    t.equal(/^x*\.?[the-]*[end]*/.exec(line)![0].length, shownName, `the name at ${width}`)
    if (width > 60) t.match(line, whole)
  }
})

t.test('seconds, minutes, hours', async t => {
  for (const [seconds, text] of [[0, '0s'], [0.1, '1s'], [59, '59s'], [59.1, '1m00s'], [61, '1m01s'], [3599, '59m59s'], [3599.1, '1h00m'], [3660, '1h01m'], [90_000, '25h00m']] as const) t.equal(formatSeconds(seconds), text)
})
