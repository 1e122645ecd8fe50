// Whatever query, target or header comes: the parsers give an answer of their kind, and the server answers and lives.
import { request } from 'node:http'
import fc from 'fast-check'
import t from 'tap'
import { parseLabels } from '../../src/http/labels.js'
import { macOfLabels } from '../../src/matchbox/select.js'
import { encodePath, parseTarget } from '../../src/go/http/request-target.js'
import { cleanUrlPath } from '../../src/go/path.js'
import { goStringOfLatin1 } from '../../src/go/string.js'
import { isMacKey } from '../../src/matchbox/group.js'
import { parseMac } from '../../src/net/mac.js'
import { listen } from '../helpers/http-app.js'
import { exchange } from '../helpers/matchbox-fixture.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'
import { cases } from '../helpers/property.js'

/** One character a byte, as Node gives targets. */
const bytes = fc.string({ unit: fc.nat(255).map(code => String.fromCharCode(code)), maxLength: 60 })
const piece = fc.oneof({ arbitrary: fc.constantFrom('%', '%2', '%2F', '%2e', '%00', '%ff', '+', ';', '&', '&&', '=', '==', '?', '#', 'mac', 'MAC', 'Mac', 'uuid', '52:54:00:00:00:01', '52-54-0-0-0-1', 'é', '/', '..', '.', '//', 'http://a'), weight: 4 }, { arbitrary: bytes, weight: 1 })
const pieces = fc.array(piece, { maxLength: 20 }).map(parts => parts.join(''))

t.test('labels', t => {
  fc.assert(fc.property(pieces.map(goStringOfLatin1), query => {
    const labels = parseLabels(query)
    for (const [key, value] of labels) {
      if (isMacKey(key) && parseMac(value) !== value) throw new Error(`${key}=${value} is no hardware address`)
      if (query.length < key.length + value.length) throw new Error('more comes out than went in')
    }
    const mac = macOfLabels(labels)
    if (mac !== undefined && parseMac(mac) !== mac) throw new Error(mac)
    // What is written as Go's url.Values.Encode writes it comes back the same.
    const again = parseLabels([...labels].map(([key, value]) => `${encodeURIComponent(key.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`).join('&'))
    for (const [key, value] of labels) if (key.isWellFormed() && value.isWellFormed() && again.get(key) !== value) throw new Error(`${key}=${value} came back as ${again.get(key)}`)
  }), cases(t, 10_000))
  t.end()
})

t.test('request targets', t => {
  fc.assert(fc.property(pieces, text => {
    const target = parseTarget(text)
    if (target === undefined || target.path === '*') return
    const clean = cleanUrlPath(target.path)
    if (!clean.startsWith('/') || clean.split('/').some((part, i, all) => part === '.' || part === '..' || (part === '' && i > 0 && i < all.length - 1))) throw new Error(`${clean} is not clean`)
    if (cleanUrlPath(clean) !== clean) throw new Error(`${clean} becomes ${cleanUrlPath(clean)}`)
    if (parseTarget(encodePath(clean))?.path !== clean) throw new Error(`${clean} is lost in a redirect`)
  }), cases(t, 10_000))
  t.end()
})

const store = (): MemoryStore => new MemoryStore({
  groups: [makeGroup({ id: 'all', profile: 'p', metadata: { a: 'x' } })],
  profiles: [makeProfile({ id: 'p', boot: { kernel: 'k', initrd: ['i'], args: [] }, ignitionId: 'i.yaml', cloudId: 'c', genericId: 'g' })],
  configs: {
    ignition: { 'i.yaml': 'storage:\n  files:\n    - {path: /a, filesystem: root, mode: 420, contents: {inline: "{{.request.raw_query}}"}}\n' },
    cloud: { c: '#cloud-config\nhostname: "{{.request.raw_query}}"\n' },
    generic: { g: '{{range $k, $v := .request.query}}{{$k | printf "%q"}}={{$v | html}}\n{{end}}' }
  }
})

t.test('the server, over its socket', async t => {
  const { port } = await listen(t, { store: store(), assetsPath: t.testdir({ a: 'x' }) })
  const paths = fc.constantFrom('/', '/boot.ipxe', '/ipxe', '/grub', '/ignition', '/cloud', '/generic', '/metadata', '/assets/', '/assets/a', '/healthz', '/v1/x', '')
  const line = fc.tuple(fc.constantFrom('GET', 'HEAD', 'POST', 'ODD', ''), paths, pieces, fc.constantFrom('', '?'), pieces)
    .map(([method, path, more, question, query]) => `${method} ${path}${question === '' ? more : ''}${question}${query} HTTP/1.1`)
  const header = fc.tuple(fc.constantFrom('Range', 'If-Range', 'Content-Length', 'Transfer-Encoding', 'Expect', 'If-Modified-Since', 'X'), fc.oneof(fc.constantFrom('bytes=0-', 'bytes=-1,0-0', 'chunked', '5', '100-continue'), bytes))
    .map(([name, value]) => `${name}: ${value}`)
  await fc.assert(fc.asyncProperty(line, fc.array(header, { maxLength: 3 }), async (line, headers) => {
    const { status } = await exchange(port, Buffer.from(`${line}\r\n${[...headers, 'Host: a', 'Connection: close'].join('\r\n')}\r\n\r\n`, 'latin1'))
    // As in Go, 500 is for what no file can be named (a NUL byte). A body that is announced and does not come is waited for.
    if (status !== null && (status < 100 || status > 599 || (status === 500 && !line.includes('/assets/')))) throw new Error(`answered ${status}`)
  }), cases(t, 1000))
  const alive = await new Promise(resolve => { request({ port, path: '/healthz' }, answer => { resolve(answer.resume().statusCode) }).end() })
  t.equal(alive, 200)
})
