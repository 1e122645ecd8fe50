import t from 'tap'
import { decideBoot, type MachinePast, noPast } from '../../src/matchbox/boot-decision.js'
import type { Profile } from '../../src/matchbox/profile.js'
import { makeGroup, makeProfile } from '../helpers/memory-store.js'

const mac = '52:54:00:00:00:01'
const installer = makeProfile({ id: 'p', ignitionId: 'i.yaml', boot: { kernel: '/assets/flatcar/current/k', initrd: ['/i'], args: ['a=1'] } })
const installedWith = (bootedAs: string | undefined): MachinePast => ({ ...noPast, installedAs: asked => asked === mac ? bootedAs : undefined })
const decide = (metadata: Record<string, string | boolean>, profile: Profile | undefined = installer, past = installedWith(undefined)) =>
  decideBoot(makeGroup({ id: 'g', metadata }), profile, mac, past)

t.test('unset, nothing about a machine is remembered against it', t => {
  const once = decide({ install_once: 'true' })
  t.same(decide({}, installer, installedWith(once.bootedAs)), { fromDisk: undefined, bootedAs: undefined, problem: undefined })
  t.end()
})

t.test('a machine that is installed with what it would boot starts from its disk', t => {
  for (const once of [true, 'true']) {
    const { bootedAs, fromDisk } = decide({ install_once: once })
    t.equal(fromDisk, undefined)
    t.match(decide({ install_once: once }, installer, installedWith(bootedAs)), { fromDisk: { how: 'auto', why: 'installed' } })
    t.equal(decideBoot(makeGroup({ id: 'g', metadata: { install_once: once } }), installer, '52:54:00:00:00:02', installedWith(bootedAs)).fromDisk, undefined, 'another machine')
    t.equal(decideBoot(makeGroup({ id: 'g', metadata: { install_once: once } }), installer, undefined, installedWith(bootedAs)).fromDisk, undefined, 'one that does not say who it is')
  }
  t.end()
})

t.test('each change in what it would boot installs it again, and no other change does', t => {
  const { bootedAs } = decide({ install_once: 'true' })
  const boot = installer.boot!
  for (const [what, metadata, profile] of [
    ['kernel', {}, { ...installer, boot: { ...boot, kernel: '/assets/flatcar/1.0.0/k' } }],
    ['initrd', {}, { ...installer, boot: { ...boot, initrd: [] } }],
    ['args', {}, { ...installer, boot: { ...boot, args: ['a=2'] } }],
    ['profile', {}, { ...installer, id: 'q' }],
    ['config', {}, { ...installer, ignitionId: 'j.yaml' }],
    ['reinstall', { reinstall: '2026-11-28' }, installer]
  ] as const) {
    t.equal(decide({ install_once: 'true', ...metadata }, profile, installedWith(bootedAs)).fromDisk, undefined, what)
  }
  t.equal(decide({ install_once: 'true', hostname: 'node-1' }, installer, installedWith(bootedAs)).fromDisk?.how, 'auto', 'other metadata')
  t.equal(decide({ install_once: 'true' }, { ...installer, name: 'Another name' }, installedWith(bootedAs)).fromDisk?.how, 'auto', 'a name')
  const again = decide({ install_once: 'true', reinstall: '1' })
  t.equal(decide({ install_once: 'true', reinstall: '1' }, installer, installedWith(again.bootedAs)).fromDisk?.how, 'auto', 'the value it was installed for')
  t.end()
})

t.test('boot_from_disk comes before it, and what cannot be made out is told', t => {
  t.match(decide({ boot_from_disk: 'sanboot', install_once: 'true' }), { fromDisk: { how: 'sanboot', why: 'group' } })
  t.match(decide({ install_once: 'once' }), { fromDisk: undefined, bootedAs: undefined, problem: 'group g: metadata install_once is "once", expected true or false' })
  t.equal(decide({ install_once: 'true' }, makeProfile({ id: 'p' })).bootedAs, undefined, 'a profile that boots nothing')
  t.end()
})

t.test('who may not know of an installation leaves the disk alone', t => {
  const unsure = { ...installedWith(undefined), isCertain: () => false }
  t.match(decide({ install_once: 'true' }, installer, unsure), { fromDisk: { how: 'auto', why: 'uncertain' }, problem: /etcd is away/ })
  t.equal(decide({}, installer, unsure).fromDisk, undefined, 'a group that installs whenever it is asked')
  t.equal(decide({ install_once: 'true' }, installer, { ...unsure, isCertain: () => true }).fromDisk, undefined)
  t.end()
})
