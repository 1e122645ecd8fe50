// What is said of the store's Ignition documents before and when a machine asks.
import { Buffer } from 'node:buffer'
import t from 'tap'
import { IgnitionDocuments } from '../../src/matchbox/ignition-documents.js'
import type { ConfigFile } from '../../src/matchbox/store.js'

const file = (name: string, content: string): ConfigFile => ({ kind: 'ignition', name, content: Buffer.from(content) })

const bad = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "a", "mode": 2541}]}}'

t.test('a ready document that Ignition refuses', t => {
  const documents = new IgnitionDocuments()
  const { problem, report } = documents.readinessOf(file('x.ign', bad))
  t.equal(problem, 'ignition/x.ign:1:67: served as it is, but Ignition refuses it: path not absolute ($.storage.files.0.path)')
  t.same(report, [
    'ignition/x.ign:1:67: error: path not absolute',
    'ignition/x.ign:1:80: warning: setuid/setgid/sticky bits are not supported or functional in spec versions older than 3.6.0'
  ])
  t.same(documents.readinessOf(file('y.ign', '{"ignition": {"version": "2.3.0"}}')), { problem: undefined, report: [] })
  t.match(documents.readinessOf(file('z.ignition', '\ufeff{}')), { problem: /byte order mark/ })
  t.end()
})
