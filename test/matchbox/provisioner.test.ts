import t from 'tap'
import { noPast } from '../../src/matchbox/boot-decision.js'
import type { DocumentKind } from '../../src/matchbox/document-bodies.js'
import { createProvisioner, type Rendering } from '../../src/matchbox/provisioner.js'
import { MemoryStore, makeGroup, makeProfile } from '../helpers/memory-store.js'

const store = (): MemoryStore => new MemoryStore({
  groups: [
    makeGroup({ id: 'a', selector: { MAC: '52-54-00-00-00-01', Role: 'x' }, metadata: { role: 'lost', n: 1e6, nil: null, yes: true } }),
    makeGroup({ id: 'none', profile: 'gone', selector: { k: 'none' } }),
    makeGroup({ id: 'broken', profile: 'broken', selector: { k: 'broken' } })
  ],
  profiles: [
    makeProfile({ id: 'p', ignitionId: 'i.yaml', cloudId: 'c', genericId: 'g', boot: { kernel: 'k', initrd: [], args: [] } }),
    makeProfile({ id: 'broken', ignitionId: 'broken.yaml', cloudId: 'bad', genericId: 'g' }),
    makeProfile({ id: 'd', ignitionId: 'd.bu' })
  ],
  configs: {
    ignition: {
      'i.yaml': 'passwd:\n  users:\n    - name: "{{.request.query.user}}"\n',
      'broken.yaml': 'passwd:\n  users: 5\n',
      'd.bu': 'variant: fcos\nversion: 1.5.0\nfavourite: blue\n'
    },
    cloud: { c: '#cloud-config\nhostname: {{.role}}\n', bad: '#cloud-config\nhostname: [\n' },
    generic: { g: '{{.role}} {{.mac}} {{.n}} {{.request.raw_query}} {{index .request.query "nope"}}' }
  }
})

const ask = (s: MemoryStore, kind: DocumentKind, labels: Record<string, string>, rawQuery = ''): Rendering =>
  createProvisioner({ store: s }).render(kind, { labels: new Map(Object.entries(labels)), rawQuery, client: undefined })
const machine = { MAC: '52:54:00:00:00:01', Role: 'x', user: 'core' }

t.test('templates get metadata, selectors over it in lower case, and the request', t => {
  t.equal(ask(store(), 'generic', machine, 'MAC=x').body?.toString(), 'x 52:54:00:00:00:01 1e+06 MAC=x ')
  t.equal(ask(store(), 'cloud', machine).body?.toString(), '#cloud-config\nhostname: x\n')
  t.equal(ask(store(), 'metadata', machine).body?.toString(),
    'MAC=52:54:00:00:00:01\nN=1e+06\nREQUEST_QUERY_MAC=52:54:00:00:00:01\nREQUEST_QUERY_ROLE=x\nREQUEST_QUERY_USER=core\nREQUEST_RAW_QUERY=\nROLE=x\nYES=true\n')
  t.end()
})

t.test('a template becomes Ignition, and each text is translated once', t => {
  const s = store()
  const provisioner = createProvisioner({ store: s })
  const render = (user: string): Rendering => provisioner.render('ignition', { labels: new Map(Object.entries({ ...machine, user })), rawQuery: '', client: undefined })
  t.match(JSON.parse(render('core').body!.toString()), { ignition: { version: '2.2.0' }, passwd: { users: [{ name: 'core' }] } })
  t.equal(render('core').body, render('core').body, 'the same buffer: nothing was done again')
  t.match(JSON.parse(render('ops').body!.toString()), { passwd: { users: [{ name: 'ops' }] } })
  t.end()
})

t.test('why there is no document', t => {
  for (const [kind, labels, code, message] of [
    ['ipxe', {}, 'group_unmatched', 'no group matches the labels'],
    ['ipxe', { k: 'none' }, 'profile_missing', 'group none names a profile that is not there: "gone"'],
    ['ipxe', { k: 'broken' }, 'profile_invalid', 'profile broken boots nothing'],
    ['ignition', { k: 'broken' }, 'ignition_invalid', /^ignition\/broken\.yaml:2:\d+: error: /],
    ['cloud', { k: 'broken' }, 'cloud_invalid', /^\d+:\d+: /],
    ['generic', { k: 'broken' }, 'template_invalid', /^generic\/g: template: :1:2: .*map has no entry for key "role"/]
  ] as const) {
    const { error, body } = ask(store(), kind, labels)
    t.equal(body, undefined)
    t.match(error, { code, message }, `${kind} ${JSON.stringify(labels)}`)
  }
  t.end()
})

t.test('what the translation remarks is reported', async t => {
  const s = store()
  await s.putGroup(makeGroup({ id: 'd', profile: 'd', selector: { k: 'd' } }))
  const { body, report } = ask(s, 'ignition', { k: 'd' })
  t.match(JSON.parse(body!.toString()), { ignition: { version: '3.4.0' } })
  t.match(report[0], /^ignition\/d\.bu:3:1: warning: .*favourite/)
})

t.test('the API sees what is stored now, machines also what was just deleted', async t => {
  const s = store()
  const provisioner = createProvisioner({ store: s })
  t.equal(provisioner.selectGroup(new Map([['k', 'none']])).id, 'none')
  t.throws(() => provisioner.selectGroup(new Map()), { code: 'group_unmatched' })
  t.throws(() => provisioner.selectProfile(new Map([['k', 'none']])), { code: 'profile_unmatched' })
  t.throws(() => provisioner.getGroup('x'), { code: 'group_missing' })
  t.throws(() => provisioner.getConfig('generic', 'x'), { code: 'config_missing' })
  await t.rejects(provisioner.putGroup(makeGroup({ id: 'x', selector: { mac: 'zz' } })), { code: 'group_invalid' })
  await t.rejects(provisioner.putGroup(makeGroup({ id: '../x' })), { code: 'id_invalid' })
  await t.rejects(provisioner.putProfile(makeProfile({ id: '' })), { code: 'profile_invalid' })
  await provisioner.putGroup(makeGroup({ id: 'a-b' }))
  await provisioner.putGroup(makeGroup({ id: 'a.b' }))
  t.same(provisioner.listGroups().map(g => g.id), ['a-b', 'a.b', 'a', 'broken', 'none'], 'by file name')
})

t.test('arch: from the query, or else from what DHCP was told of the machine', t => {
  const s = new MemoryStore({
    groups: [
      makeGroup({ id: 'all', profile: 'x86', selector: {}, metadata: {} }),
      makeGroup({ id: 'arm', profile: 'arm', selector: { arch: 'arm64' }, metadata: {} })
    ],
    profiles: ['x86', 'arm'].map(id => makeProfile({ id, boot: { kernel: id, initrd: [], args: [] } }))
  })
  const told = new Map([['52:54:00:00:00:01', 'arm64']])
  const provisioner = createProvisioner({ store: s, past: { ...noPast, architectureOf: mac => told.get(mac) } })
  const kernel = (labels: Record<string, string>): string | undefined =>
    provisioner.render('ipxe', { labels: new Map(Object.entries(labels)), rawQuery: '', client: undefined }).boot?.kernel
  const mac = '52:54:00:00:00:01'
  t.equal(kernel({ mac }), 'arm')
  t.equal(kernel({ mac, arch: 'x86_64' }), 'x86', 'what iPXE says goes first')
  t.equal(kernel({ mac: '52:54:00:00:00:02' }), 'x86')
  t.equal(kernel({ arch: 'arm64' }), 'arm', 'as Matchbox 0.11')
  t.equal(provisioner.bootOf({ labels: new Map([['mac', mac]]), rawQuery: '', client: undefined }).boot?.kernel, 'arm', 'files made for loaders')
  t.equal(provisioner.render('ipxe', { labels: new Map([['mac', mac]]), rawQuery: '', client: undefined }).personal, true, 'not to be kept: its next boot may be another')
  told.set(mac, 'x86_64')
  t.equal(kernel({ mac }), 'x86', 'the same machine with other firmware')
  t.equal(provisioner.render('metadata', { labels: new Map([['mac', mac]]), rawQuery: 'mac=x', client: undefined }).body?.toString().includes('ARCH'), false, 'templates see the query alone')
  t.end()
})

t.test('where a group installs once the other provisioners are asked first; what cannot be found out leaves the disk as it is', async t => {
  const mac = '52:54:00:00:00:01'
  for (const [what, settles, once, fromDisk, asked] of [
    ['another one installed it', 'installed', true, true, 1],
    ['nobody did', 'nothing', true, false, 1],
    ['nobody can say', 'away', true, true, 1],
    ['the group installs at each boot', 'installed', false, false, 0]
  ] as const) {
    const s = new MemoryStore({
      groups: [makeGroup({ id: 'g', selector: { mac }, metadata: { install_once: once } })],
      profiles: [makeProfile({ id: 'p', ignitionId: 'i', boot: { kernel: 'k', initrd: [], args: [] } })],
      configs: { ignition: { i: '{"ignition":{"version":"3.4.0"}}' } }
    })
    let questions = 0
    let told: string | undefined
    const request = { labels: new Map([['mac', mac]]), rawQuery: '', client: undefined }
    const { bootedAs } = createProvisioner({ store: s }).bootOf(request)
    const provisioner = createProvisioner({
      store: s,
      past: {
        ...noPast,
        installedAs: () => told,
        isCertain: () => true,
        settle: async () => {
          questions++
          await Promise.resolve()
          if (settles === 'away') throw new Error('etcd is away')
          if (settles === 'installed') told = bootedAs
        }
      }
    })
    await provisioner.renderAside('ignition', request)
    t.equal(questions, 0, 'a config is for whoever has begun to boot')
    for (const kind of ['ipxe', 'grub'] as const) {
      told = undefined
      const { startsFromDisk, problem } = await provisioner.renderAside(kind, request)
      t.equal(startsFromDisk, fromDisk, `${what}: ${kind}`)
      t.match(problem ?? '', settles === 'away' ? /cannot be found out/ : /^$/)
    }
    told = undefined
    t.equal((await provisioner.settledBootOf(request)).fromDisk?.how, fromDisk ? 'auto' : undefined, `${what}: loader files`)
    t.equal(questions, 3 * asked, 'each time anew')
  }
})
