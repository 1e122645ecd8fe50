/* eslint-disable no-template-curly-in-string -- iPXE's own variables */
import t from 'tap'
import { createLoaderFiles, type LoaderFileRequest } from '../../src/matchbox/loader-files.js'
import { noPast } from '../../src/matchbox/boot-decision.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { renderGrubFile } from '../../src/matchbox/render-grub-file.js'
import { parseMac } from '../../src/net/mac.js'
import { MemoryStore, makeGroup, makeProfile } from '../helpers/memory-store.js'

const origin = 'http://172.30.0.1:8080'
const scriptUrl = `${origin}/boot.ipxe`
const uuid = '4c4c4544-0042-3510-8054-b2c04f4b5931'
const groups = [
  makeGroup({ id: 'node', selector: { mac: '52:54:00:00:00:01' } }),
  makeGroup({ id: 'disk', selector: { mac: '52:54:00:00:00:02' }, metadata: { boot_from_disk: 'exit' } }),
  makeGroup({ id: 'board', selector: { uuid }, metadata: { boot_resilient: true } })
]
const boot = { kernel: '/assets/vmlinuz', initrd: ['http://images.test/initrd.img'], args: ['quiet'] }

const files = (withDefault = false): (name: string, request?: Partial<LoaderFileRequest>) => Promise<string | undefined> => {
  const store = new MemoryStore({ groups: withDefault ? [...groups, makeGroup({ id: 'default' })] : groups, profiles: [makeProfile({ id: 'p', boot })] })
  const { bootOf } = createProvisioner({ store })
  const make = createLoaderFiles({ bootOf, scriptUrl, origin, resilient: false })
  return async (name, request) => (await make({ name, mac: undefined, client: '172.30.0.9', hasMenu: async () => false, ...request }))?.toString()
}

t.test("PXELINUX's default starts iPXE, which fetches its script", async t => {
  const text = await files()('pxelinux.cfg/default')
  t.match(text, /^DEFAULT ipxe\nPROMPT 0\n/)
  t.match(text, '\nLABEL ipxe\n  MENU LABEL Boot from the network\n  KERNEL ipxe.lkrn\n  APPEND dhcp && chain http://172.30.0.1:8080/boot.ipxe\n')
  t.notMatch(text, 'UI')
  t.equal(await files()('PXELINUX.CFG/Default'), text, 'Windows programs write names in capitals')
})

t.test('a menu when menu.c32 is there, beside the loader', async t => {
  const asked: string[] = []
  const hasMenu = async (folder: string): Promise<boolean> => { asked.push(folder); return true }
  t.match(await files()('bios/pxelinux.cfg/default', { hasMenu }), /\nUI menu\.c32\nTIMEOUT 20\n(?:.*\n)* {2}KERNEL ::ipxe\.lkrn\n/)
  t.strictSame(asked, ['bios/'])
})

t.test("a machine's own file is there when a group matches it", async t => {
  t.match(await files()('pxelinux.cfg/01-52-54-00-00-00-01'), /^DEFAULT ipxe\n/)
  t.match(await files()('pxelinux.cfg/01-52-54-00-00-00-02'), /^SAY Starting from the local disk: its group says so .*\nDEFAULT disk\n(?:.*\n)* {2}LOCALBOOT -1\n/)
  t.match(await files()(`pxelinux.cfg/${uuid.toUpperCase()}`), /^DEFAULT ipxe\n/)
  t.equal(await files()('pxelinux.cfg/01-52-54-00-00-00-03'), undefined, 'PXELINUX goes on to the default')
  t.equal(await files()('pxelinux.cfg/00000000-0000-0000-0000-000000000000'), undefined)
  t.match(await files(true)('pxelinux.cfg/01-52-54-00-00-00-03'), /^DEFAULT ipxe\n/, 'a group without a selector matches every machine')
  const mac = parseMac('52:54:00:00:00:02')
  t.match(await files()('pxelinux.cfg/default', { mac }), /\nDEFAULT disk\n/, 'the default, to an address whose machine is known')
})

t.test('other names are not there', async t => {
  for (const name of ['pxelinux.cfg/AC1E0015', 'pxelinux.cfg/AC', 'pxelinux.cfg', 'pxelinux.cfg/defaults', 'xpxelinux.cfg/default',
    'pxelinux.cfg/01-52-54-00-00-00', 'autoexec.ipxe/x', 'myautoexec.ipxe', 'grub.cfg-AC1E', '', '/'.repeat(50_000)]) {
    t.equal(await files(true)(name), undefined, name.slice(0, 40))
  }
})

t.test("GRUB's configuration boots in every GRUB: by TFTP, and by HTTP where that is on port 80", async t => {
  const mac = parseMac('52:54:00:00:00:01')
  const own = await files()('grub.cfg', { mac })
  t.equal(own, `default=0
timeout=1
function start {
echo "Loading kernel from $1"
if linux$2 "($1)/assets/vmlinuz" quiet; then
echo "Loading initrd"
if initrd$2 "(http,images.test)/initrd.img"; then boot; fi
fi
}
menuentry "Network boot" {
if [ "$grub_platform" = "efi" -a "$grub_cpu" = "x86_64" ]; then
start tftp efi
fi
start tftp
}
`)
  t.equal(await files()('grub/grub.cfg-01-52-54-00-00-00-01'), own)
  t.equal(await files()('grub.cfg-01-52-54-00-00-00-09'), undefined)
  t.equal(await files()('grub.cfg'), 'set root=\'(http,172.30.0.1:8080)\'\nconfigfile /grub?mac=$net_default_mac\n', 'an unknown machine asks on')
  t.match(await files()('grub.cfg', { mac: parseMac('52:54:00:00:00:02') }), /\nif \[ "\$grub_platform" = "efi" \]; then exit; fi\n/)
})

t.test("a profile for iPXE in GRUB's words", async t => {
  const options = { origin: 'http://172.30.0.1', mac: parseMac('52:54:00:00:00:01'), uuid: undefined }
  const args = (...list: string[]): string => / "\(\$1\)\/k"(.*); then$/m.exec(renderGrubFile({ kernel: '/k', initrd: [], args: list }, options))?.[1] ?? ''
  t.equal(args('quiet', 'initrd=main', 'console=ttyS0,115200n8'), ' quiet console=ttyS0,115200n8', 'initrd= is for the EFI stub alone')
  t.equal(args('u=http://${next-server}/ignition?uuid=${uuid}&mac=${mac:hexhyp}'), ' "u=http://172.30.0.1/ignition?uuid=&mac=52-54-00-00-00-01"')
  t.equal(args('m=$net_default_mac', 'a;b', 'say="hi"', 'x=${serial:uristring}'), ' m=$net_default_mac "a;b" "say=\\"hi\\"" \'x=${serial:uristring}\'')
  const file = renderGrubFile({ kernel: 'http://172.30.0.1/assets/k', initrd: ['--name main http://${next-server}/assets/i', 'assets/two'], args: [] }, options)
  t.match(file, '\nstart http,172.30.0.1 efi\nstart tftp efi\nfi\nstart http,172.30.0.1\nstart tftp\n')
  t.match(file, '\nif linux$2 "($1)/assets/k"; then\necho "Loading initrd"\nif initrd$2 "($1)/assets/i" "($1)/assets/two"; then boot; fi\n')
  t.match(renderGrubFile({ kernel: 'https://h.test:8443/k', initrd: [], args: [] }, options), '\nif linux$2 "(https,h.test:8443)/k"; then\nboot\nfi\n', 'no initrd, no line')
})

t.test("iPXE's autoexec.ipxe gets an address and goes on to the script", async t => {
  t.equal(await files()('autoexec.ipxe'), `#!ipxe\ndhcp && chain ${scriptUrl}\n`)
  t.equal(await files()('efi/x64/autoexec.ipxe'), `#!ipxe\ndhcp && chain ${scriptUrl}\n`)
  const store = new MemoryStore({ groups: [makeGroup({ id: 'r', metadata: { boot_resilient: 'true' } })] })
  const { bootOf } = createProvisioner({ store })
  const script = (await createLoaderFiles({ bootOf, scriptUrl, origin, resilient: false })(
    { name: 'autoexec.ipxe', mac: undefined, client: '10.0.0.9', hasMenu: async () => false }))?.toString()
  t.match(script, '\ndhcp || goto dhcp_failed\n')
  t.match(script, `\nchain ${scriptUrl} && exit || goto script_failed\n`)
  t.match(script, '\nsanboot --no-describe --drive 0x80 ||\nreboot || exit 1\n')
})

t.test('U-Boot and petitboot read PXELINUX\'s files and run no iPXE for x86: the profile\'s own kernel, or no file', async t => {
  const args = ['root=/dev/ram0', `coreos.config.url=${origin}/ignition?mac=\${mac:hexhyp}&uuid=\${uuid}&x=\${other}`]
  const store = new MemoryStore({
    groups,
    profiles: [makeProfile({ id: 'p', boot: { kernel: '/assets/vmlinuz', initrd: ['--name main http://images.test/initrd.img', '/assets/two'], args } })]
  })
  const make = createLoaderFiles({ ...createProvisioner({ store }), scriptUrl, origin, resilient: false })
  const ask = async (name: string): Promise<string | undefined> =>
    (await make({ name, mac: undefined, client: '172.30.0.9', x86Bios: false, hasMenu: async () => true }))?.toString()
  t.equal(await ask('pxelinux.cfg/01-52-54-00-00-00-01'), `DEFAULT linux
PROMPT 0

LABEL linux
  KERNEL /assets/vmlinuz
  INITRD http://images.test/initrd.img,/assets/two
  APPEND root=/dev/ram0 coreos.config.url=http://172.30.0.1:8080/ignition?mac=52-54-00-00-00-01&uuid=\${uuid}&x=\${other}
`)
  t.equal(await ask('pxelinux.cfg/01-52-54-00-00-00-02'), '# Starting from the local disk: its group says so (boot_from_disk)\nDEFAULT disk\nPROMPT 0\n\nLABEL disk\n  LOCALBOOT 1\n')
  t.equal(await ask('pxelinux.cfg/default'), undefined, 'no group, no file')
})

t.test('a machine that is installed starts from its disk by every file alike, and a guarded one gets its token in them', async t => {
  const [once, guarded] = ['52:54:00:00:00:01', '52:54:00:00:00:02']
  const store = new MemoryStore({
    groups: [makeGroup({ id: 'once', selector: { mac: once }, metadata: { install_once: 'true' } }), makeGroup({ id: 'guarded', selector: { mac: guarded }, metadata: { ignition_guard: 'true' } })],
    profiles: [makeProfile({ id: 'p', boot: { ...boot, args: [`ignition.config.url=${origin}/ignition`] } })]
  })
  const remembered: { installedAs?: string | undefined } = {}
  const guard = { mint: () => 'TOKEN', take: () => undefined, isAddressOf: (_: string, address: string) => address === '172.30.0.9', isOwn: () => true }
  const provisioner = createProvisioner({ store, guard, past: { ...noPast, installedAs: mac => mac === once ? remembered.installedAs : undefined } })
  const make = createLoaderFiles({ bootOf: provisioner.bootOf, scriptUrl, origin, resilient: false })
  const file = async (name: string, client = '172.30.0.9'): Promise<string> => String(await make({ name, mac: undefined, client, hasMenu: async () => false }))
  const script = () => provisioner.render('ipxe', { labels: new Map([['mac', once]]), rawQuery: '', client: undefined })

  t.match(await file('grub.cfg-01-52-54-00-00-00-01'), /\nif linux/)
  remembered.installedAs = script().bootedAs
  t.match(await file('grub.cfg-01-52-54-00-00-00-01'), /Local disk/)
  t.match(await file('pxelinux.cfg/01-52-54-00-00-00-01'), /LOCALBOOT/)
  t.match(script(), { body: /Starting from the local disk/, personal: true })
  t.match(await file('grub.cfg-01-52-54-00-00-00-02'), /guard=TOKEN/)
  t.notMatch(await file('grub.cfg-01-52-54-00-00-00-02', '172.30.0.66'), /guard=/)
})

t.test('what another provisioner installed starts from its disk by a loader\'s file too, and at once', async t => {
  const mac = '52:54:00:00:00:01'
  const store = new MemoryStore({
    groups: [makeGroup({ id: 'once', selector: { mac }, metadata: { install_once: 'true' } }), makeGroup({ id: 'other', selector: { mac: '52:54:00:00:00:02' } })],
    profiles: [makeProfile({ id: 'p', boot })]
  })
  const elsewhere: { installedAs?: string | undefined } = {}
  const here: { installedAs?: string | undefined } = {}
  let asked = 0
  let isAway = false
  const provisioner = createProvisioner({
    store,
    past: {
      ...noPast,
      installedAs: () => here.installedAs,
      settle: async () => {
        asked++
        if (isAway) throw new Error('etcd is away')
        Object.assign(here, elsewhere)
      }
    }
  })
  const make = createLoaderFiles({ bootOf: provisioner.settledBootOf, scriptUrl, origin, resilient: false })
  const file = async (name: string): Promise<string> => String(await make({ name, mac: undefined, client: '172.30.0.9', hasMenu: async () => false }))
  t.match(await file('grub.cfg-01-52-54-00-00-00-01'), /\nif linux/)
  elsewhere.installedAs = provisioner.bootOf({ labels: new Map([['mac', mac]]), rawQuery: '', client: undefined }).bootedAs
  t.match(await file('grub.cfg-01-52-54-00-00-00-01'), /Local disk" {\necho "Starting from the local disk: it was installed with what it would boot \(install_once\)"/)
  Object.assign(here, { installedAs: undefined })
  isAway = true
  const unknown = /Starting from the local disk: whether it was installed \(install_once\) cannot be found out, since etcd is away/
  t.match(await file('pxelinux.cfg/01-52-54-00-00-00-01'), /^SAY .*[^]*LOCALBOOT/, 'nobody can say: its disk')
  for (const name of ['pxelinux.cfg/01-52-54-00-00-00-01', 'grub.cfg-01-52-54-00-00-00-01']) t.match(await file(name), unknown)
  t.match((await provisioner.renderAside('ipxe', { labels: new Map([['mac', mac]]), rawQuery: '', client: undefined })).body?.toString(), unknown)
  t.equal(asked, 6)
  t.match(await file('grub.cfg-01-52-54-00-00-00-02'), /\nif linux/)
  t.equal(asked, 6, 'nobody is asked for a machine that is installed again and again')
})

t.test('what a file decides for a machine is told, once, and nothing of files that decide nothing', async t => {
  const { bootOf } = createProvisioner({ store: new MemoryStore({ groups, profiles: [makeProfile({ id: 'p', boot })] }) })
  const told: unknown[] = []
  const make = createLoaderFiles({
    bootOf, scriptUrl, origin, resilient: false, onDecided: (file, client, { group, fromDisk }) => { told.push([file, client, group?.id, fromDisk !== undefined]) }
  })
  const get = (name: string) => make({ name, mac: undefined, client: '172.30.0.9', hasMenu: async () => false })
  for (const name of ['pxelinux.cfg/01-52-54-00-00-00-01', 'grub.cfg-01-52-54-00-00-00-02', 'pxelinux.cfg/01-52-54-00-00-00-03', 'autoexec.ipxe', 'nothing']) await get(name)
  t.same(told, [
    ['pxelinux.cfg/01-52-54-00-00-00-01', '172.30.0.9', 'node', false],
    ['grub.cfg-01-52-54-00-00-00-02', '172.30.0.9', 'disk', true]
  ])
})
