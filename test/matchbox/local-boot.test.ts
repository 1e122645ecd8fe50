import t from 'tap'
import { localBootOf, localBoots } from '../../src/matchbox/local-boot.js'
import { createProvisioner, type Rendering } from '../../src/matchbox/provisioner.js'
import { MemoryStore, makeGroup, makeProfile } from '../helpers/memory-store.js'
import { runIpxe } from '../helpers/ipxe-script.js'

const group = (value: string | number | boolean | null): ReturnType<typeof makeGroup> => makeGroup({ id: 'g', metadata: { boot_from_disk: value } })

t.test('what the metadata may say', t => {
  for (const name of localBoots) t.same(localBootOf(group(name)), { localBoot: name })
  for (const [value, localBoot] of [[404, '404'], [true, 'auto'], ['true', 'auto'], [false, undefined], ['false', undefined], ['', undefined], [null, undefined]] as const) {
    t.same(localBootOf(group(value)), { localBoot }, String(value))
  }
  t.same(localBootOf(makeGroup({ id: 'g' })), { localBoot: undefined })
  t.match(localBootOf(group('disk')), { localBoot: undefined, problem: 'group g: metadata boot_from_disk is "disk", which is none of exit, sanboot, 404, auto' })
  t.end()
})

const render = (value: string, kind: 'ipxe' | 'grub', profile = 'p'): Rendering => createProvisioner({
  store: new MemoryStore({
    groups: [makeGroup({ id: 'g', profile, metadata: { boot_from_disk: value } })],
    profiles: [makeProfile({ id: 'p', boot: { kernel: 'k', initrd: [], args: [] } })]
  })
}).render(kind, { labels: new Map(), rawQuery: '', client: undefined })

t.test('the iPXE script of each', t => {
  const done = (value: string, platform: string, diskStarts: boolean): string =>
    runIpxe(render(value, 'ipxe').body!.toString(), { settings: { platform }, fails: command => !diskStarts && command.startsWith('sanboot') })
      .filter(command => !command.startsWith('echo')).join('; ')
  const disk = 'sanboot --no-describe --drive 0x80'
  t.equal(done('exit', 'pcbios', true), 'exit')
  t.equal(done('sanboot', 'pcbios', true), disk)
  t.equal(done('sanboot', 'efi', false), `${disk}; exit 1`)
  t.equal(done('auto', 'efi', true), 'exit')
  t.equal(done('auto', 'pcbios', true), disk)
  t.equal(done('auto', 'pcbios', false), `${disk}; exit 1`)
  t.equal(render('404', 'ipxe').body, undefined)
  t.equal(render('404', 'ipxe').error?.code, 'boot_from_disk')
  t.equal(render('404', 'grub').body, undefined)
  t.match(render('auto', 'grub').body?.toString(), '\nchainloader +1\n')
  t.equal(render('auto', 'ipxe', 'gone').error, undefined, 'needs no profile')
  t.match(render('typo', 'ipxe'), { problem: /"typo"/, body: Buffer.from('#!ipxe\nkernel k\nboot\n') })
  t.end()
})
