// The line and the event of a request, by what its route found out.
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { noNotes, type RequestEvent, type RequestNotes, tell } from '../../src/http/machine-log.js'
import { logLines } from '../helpers/log-lines.js'

const sent = { ip: '10.0.0.9', status: 200, bytes: 7, ms: 1.26, finished: true }

function told (notes: Partial<RequestNotes>, more: Partial<typeof sent> = {}) {
  const { stream, entries } = logLines()
  const events: RequestEvent[] = []
  tell({ ...noNotes('/p'), ...notes }, { ...sent, ...more }, createLog({ level: 'debug', pretty: false, destination: stream }), event => { events.push(event) })
  const [{ time, ...line } = {}, ...others] = entries()
  t.same([events.length, others.length], [1, 0])
  return { line, event: events[0]! }
}

t.test('what went wrong is at warning, what nobody asks for at debug, the boot at info', t => {
  const group = { id: 'g', profile: 'of-the-group' } as RequestNotes['group']
  const profile = { id: 'p' } as RequestNotes['profile']
  const fields = { ip: '10.0.0.9', status: 200, bytes: 7, ms: 1.3 }
  for (const [notes, line] of [
    [{}, { level: 'debug', ip: '10.0.0.9', path: '/p', status: 200, bytes: 7, ms: 1.3, msg: 'http.request' }],
    [{ kind: 'asset', name: 'asset', path: 'x'.repeat(65) }, { level: 'debug', ip: '10.0.0.9', path: `${'x'.repeat(64)}...`, status: 200, bytes: 7, ms: 1.3, msg: 'http.asset' }],
    [{ kind: 'loader', name: 'loader', path: 'x'.repeat(64) }, { level: 'info', ...fields, path: 'x'.repeat(64), msg: 'http.loader' }],
    [{ kind: 'script', name: 'ipxe', group, profile }, { level: 'info', ...fields, group: 'g', profile: 'p', msg: 'http.ipxe' }],
    [{ kind: 'script', name: 'ipxe', group }, { level: 'info', ...fields, group: 'g', profile: 'of-the-group', msg: 'http.ipxe' }],
    [{ kind: 'ignition', name: 'ignition', warning: 'w' }, { level: 'warn', ...fields, warning: 'w', msg: 'http.ignition' }],
    [{ kind: 'ignition', name: 'ignition', warning: 'w', problem: 'p' }, { level: 'warn', ...fields, problem: 'p', msg: 'http.ignition' }],
    [{ name: 'ipxe', unmatched: true, problem: 'p', labels: new Map([['a', 'b']]) }, { level: 'warn', ...fields, document: 'ipxe', labels: { a: 'b' }, msg: 'http.unmatched' }],
    [{ name: 'ipxe', unmatched: true, problem: 'p', code: 'group_unmatched' }, { level: 'warn', ...fields, document: 'ipxe', labels: {}, msg: 'http.unmatched' }],
    [{ name: 'ipxe', unmatched: true, problem: 'unread', code: 'folder_unreadable' }, { level: 'warn', ...fields, document: 'ipxe', labels: {}, problem: 'unread', msg: 'http.unmatched' }]
  ] as const) t.same(told(notes as Partial<RequestNotes>).line, line, JSON.stringify(line))
  t.match(told({ kind: 'script' }, { finished: false }), { line: { brokenOff: true }, event: { finished: false } })
  t.match(told({ kind: 'script', group, fromDisk: true, bootedAs: 'h', warning: 'w', code: 'guard_refused' }).event, {
    kind: 'script', path: '/p', group: 'g', profile: 'of-the-group', fromDisk: true, bootedAs: 'h', warning: 'w', problem: undefined, code: 'guard_refused', ms: 1.26
  })
  t.end()
})

t.test('of labels sixteen are shown, and of each 64 characters', t => {
  const labels = new Map(Array.from({ length: 17 }, (_, n) => [`k${n}`, n === 0 ? 'v'.repeat(65) : 'v'.repeat(64)]))
  const { line } = told({ unmatched: true, labels })
  const shown = line['labels'] as Record<string, string>
  t.equal(Object.keys(shown).length, 16)
  t.same([shown['k0'], shown['k1']], [`${'v'.repeat(64)}...`, 'v'.repeat(64)])
  t.equal(told({ unmatched: true, labels }).event.labels, labels)
  t.end()
})
