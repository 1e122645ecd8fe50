/* eslint-disable no-template-curly-in-string -- iPXE's settings */
import t from 'tap'
import { GuardTokens } from '../../src/machines/guard-tokens.js'
import { guardOf, type GuardKeeper, withToken } from '../../src/matchbox/guard.js'
import type { DocumentKind } from '../../src/matchbox/document-bodies.js'
import { createProvisioner, type Rendering } from '../../src/matchbox/provisioner.js'
import { type Mac, parseMac } from '../../src/net/mac.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'

const mac = '52:54:00:00:00:01' as Mac
const own = '192.168.100.41'
const isOwn = (url: URL): boolean => url.host === '192.168.100.2:8080'

t.test('only kernel arguments that point at our own configs get the token', t => {
  const args = (...list: string[]): readonly string[] => withToken({ kernel: 'k', initrd: [], args: list }, 'T', isOwn).args
  t.same(args('ignition.config.url=http://192.168.100.2:8080/ignition?uuid=${uuid}&mac=${mac:hexhyp}'),
    ['ignition.config.url=http://192.168.100.2:8080/ignition?uuid=${uuid}&mac=${mac:hexhyp}&guard=T'])
  t.same(args('coreos.config.url=http://192.168.100.2:8080/ignition', 'cloud-config-url=http://192.168.100.2:8080/cloud?', 'http://192.168.100.2:8080/generic?a=1&#x'),
    ['coreos.config.url=http://192.168.100.2:8080/ignition?guard=T', 'cloud-config-url=http://192.168.100.2:8080/cloud?guard=T', 'http://192.168.100.2:8080/generic?a=1&guard=T#x'])
  const others = ['ignition.config.url=http://elsewhere:8080/ignition?mac=1', 'x=http://192.168.100.2:8080/assets/ignition', 'ignition.config.url=http://192.168.100.2:8080/ignition.sig',
    'coreos.first_boot=1', 'a b http://192.168.100.2:8080/ignition', 'x=http://[', 'console=ttyS0']
  t.same(args(...others), others)
  t.end()
})

t.test('what cannot be made out leaves the guard on', t => {
  const limits = (metadata: Record<string, string | boolean | number>) => guardOf(makeGroup({ id: 'g', metadata }))
  t.same(limits({}), { limits: undefined })
  t.same(limits({ ignition_guard: false }), { limits: undefined })
  t.same(limits({ ignition_guard: 'true' }).limits, { window: 600_000, count: 3 })
  t.same(limits({ ignition_guard: true, guard_window: '90s', guard_count: 1 }).limits, { window: 90_000, count: 1 })
  t.match(limits({ ignition_guard: 'yes' }), { limits: { count: 3 }, problem: /ignition_guard is "yes", expected true or false/ })
  t.match(limits({ ignition_guard: 'true', guard_count: '0' }), { limits: { count: 3 }, problem: /guard_count is "0"/ })
  t.end()
})

t.test('the whole way: script, config, and everybody else', t => {
  const tokens = new GuardTokens(Buffer.alloc(32, 1))
  let now = 1_700_000_000_000
  const guard: GuardKeeper = {
    mint: asked => tokens.mint(parseMac(asked)!, now),
    take: (asked, token, limits) => tokens.take(parseMac(asked)!, token, now, limits),
    isAddressOf: (asked, address) => asked === mac && address === own,
    isOwn
  }
  const store = new MemoryStore({
    groups: [
      makeGroup({ id: 'install', selector: { mac }, metadata: { ignition_guard: 'true' } }),
      makeGroup({ id: 'installed', selector: { mac, os: 'installed' }, metadata: { ignition_guard: 'true' } })
    ],
    profiles: [makeProfile({
      id: 'p', ignitionId: 'p.ign', cloudId: 'c', genericId: 'g', boot: { kernel: 'k', initrd: [], args: ['ignition.config.url=http://192.168.100.2:8080/ignition?mac=${mac:hexhyp}'] }
    })],
    configs: { ignition: { 'p.ign': '{"ignition":{"version":"3.4.0"}}' }, cloud: { c: '#cloud-config\n' }, generic: { g: 'secret' } }
  })
  const provisioner = createProvisioner({ store, guard })
  const ask = (kind: DocumentKind, client: string | undefined, more: Record<string, string> = {}): Rendering =>
    provisioner.render(kind, { labels: new Map(Object.entries({ mac, ...more })), rawQuery: '', client })
  const tokenIn = (rendering: Rendering): string | undefined => /guard=(\S+)/.exec(rendering.body!.toString())?.[1]

  t.equal(tokenIn(ask('ipxe', '192.168.100.66')), undefined, 'a stranger who asks for the script in the machine\'s name gets no token')
  t.equal(tokenIn(ask('ipxe', undefined)), undefined, 'nor does one who only looks')
  for (const script of ['ipxe', 'grub'] as const) t.type(tokenIn(ask(script, own)), 'string', script)
  const token = tokenIn(ask('ipxe', own))!
  t.equal(ask('ipxe', own).personal, true)

  t.match(ask('ignition', '192.168.100.66', { guard: token }), { body: undefined, error: { code: 'guard_refused', message: /came from 192\.168\.100\.66, which is not known to be the address/ } })
  t.match(ask('ignition', own).error?.message, /carries no guard token/)
  t.match(ask('ignition', own, { guard: `${token}x` }).error?.message, /not one that was given/)
  for (const kind of ['cloud', 'generic', 'metadata'] as const) t.equal(ask(kind, '192.168.100.66', { guard: token }).error?.code, 'guard_refused', kind)
  t.equal(ask('metadata', own).error, undefined, 'metadata is asked for without a token')

  t.equal(ask('ignition', own, { guard: token }).error, undefined, 'first stage')
  t.equal(ask('ignition', own, { guard: token, os: 'installed' }).group?.id, 'installed')
  t.equal(ask('ignition', own, { guard: token }).error, undefined, 'the third')
  t.match(ask('ignition', own, { guard: token }).error?.message, /used 3 times/)
  now += 700_000
  t.match(ask('ignition', own, { guard: tokens.mint(mac, now - 650_000) }).error?.message, /old/)
  t.equal(ask('ignition', own, { guard: tokenIn(ask('ipxe', own))! }).error, undefined, 'another boot, another token')
  t.equal(ask('ignition', undefined).error, undefined, 'whoever administers the store sees it')
  t.equal(createProvisioner({ store }).render('ignition', { labels: new Map([['mac', mac]]), rawQuery: '', client: own }).error?.code, 'guard_refused', 'without a keeper nobody from outside')
  t.end()
})
