import t from 'tap'
import { isOpen, nextOpening, parseWindow, type Window } from '../../src/updates/window.js'

const at = (text: string): number => Date.parse(text)
const window = (text: string): Window => parseWindow(text) ?? t.fail(text) as never

t.test('office hours in a zone, by its own clock', t => {
  const berlin = window('Mon-Fri 09:00-17:00 Europe/Berlin')
  for (const [time, open] of [
    ['2026-11-27T07:59:59Z', false], ['2026-11-27T08:00:00Z', true], ['2026-11-27T15:59:59Z', true], ['2026-11-27T16:00:00Z', false],
    ['2026-11-28T10:00:00Z', false], ['2026-07-01T07:00:00Z', true], ['2026-07-01T15:00:00Z', false]
  ] as const) t.equal(isOpen(berlin, at(time)), open, time)
  t.equal(nextOpening(berlin, at('2026-11-27T16:00:30Z')), at('2026-11-30T08:00:00Z'), 'after Friday comes Monday')
  t.equal(nextOpening(berlin, at('2026-03-27T16:30:00Z')), at('2026-03-30T07:00:00Z'), 'and over the change to summer time')
  t.equal(nextOpening(berlin, at('2026-10-23T15:30:00Z')), at('2026-10-26T08:00:00Z'), 'and back')
  t.equal(nextOpening(berlin, at('2026-11-27T12:34:56Z')), at('2026-11-27T12:34:56Z'), 'open is now')
  t.end()
})

t.test('over midnight it belongs to the day on which it began', t => {
  const night = window('Sat 22:00-04:00 UTC')
  for (const [time, open] of [
    ['2026-11-28T21:59:00Z', false], ['2026-11-28T22:00:00Z', true], ['2026-11-29T03:59:00Z', true], ['2026-11-29T04:00:00Z', false], ['2026-11-29T23:00:00Z', false], ['2026-11-28T03:00:00Z', false]
  ] as const) t.equal(isOpen(night, at(time)), open, time)
  t.equal(nextOpening(night, at('2026-11-29T04:00:00Z')), at('2026-12-05T22:00:00Z'))
  t.end()
})

t.test('days and zone may be left out', t => {
  t.equal(isOpen(window('00:00-24:00'), at('2026-11-29T23:59:59Z')), true)
  t.same([...window('Fri-Mon,Wed 1:00-2:00').days], ['Fri', 'Sat', 'Sun', 'Mon', 'Wed'])
  t.equal(isOpen(window('Mon-Fri 09:00-17:00 Asia/Kolkata'), at('2026-11-27T03:30:00Z')), true, 'half an hour off')
  t.end()
})

t.test('what is no window', t => {
  for (const text of ['', 'Mon', 'Mon-Fri', '9-17', 'Mon 09:00', 'Mon 25:00-26:00', 'Mon 09:60-10:00', 'Mon 24:00-01:00', 'Mon 09:00-09:00', 'Moon 09:00-10:00',
    'Mon-Fri-Sun 09:00-10:00', 'Mon 09:00-10:00 Europe/Nowhere', 'Mon 09:00-10:00 Europe/Berlin x', `${'Mon,'.repeat(100)}Mon 09:00-10:00`]) t.equal(parseWindow(text), undefined, text)
  t.end()
})
