// The template by which nodes are told where they ask for updates, as text/template carries it out.
import t from 'tap'
import { nodeSnippet } from '../../src/updates/node-snippet.js'

const conf = (name: string): string => JSON.stringify(`GROUP=${name}\nSERVER=http://10.0.0.1:8080/v1/update/\n`)
const none = '{{else}}{{template "updates: no group of updates is called so; see updates.groups" .}}{{end}}'

t.test('one group need not be named, several are chosen by metadata', t => {
  const snippet = (...groups: Parameters<typeof nodeSnippet>[0]): string => nodeSnippet(groups, 'http://10.0.0.1:8080')
  t.equal(snippet({ name: 'a', os: 'flatcar' }), `{{$group := "a"}}{{with index . "update_group"}}{{$group = .}}{{end}}{{if eq $group "a"}}${conf('a')}${none}`)
  t.equal(snippet({ name: 'a', os: 'flatcar' }, { name: 'b', os: 'flatcar' }), `{{$group := .update_group}}{{if eq $group "a"}}${conf('a')}{{else if eq $group "b"}}${conf('b')}${none}`)
  const zincati = '[cincinnati]\nbase_url = "http://10.0.0.1:8080/updates/"\n[identity]\ngroup = "f"\n[updates]\nstrategy = "fleet_lock"\n[updates.fleet_lock]\nbase_url = "http://10.0.0.1:8080/fleetlock/"\n'
  t.ok(snippet({ name: 'f', os: 'fedora-coreos' }).includes(JSON.stringify(zincati)))
  t.end()
})
