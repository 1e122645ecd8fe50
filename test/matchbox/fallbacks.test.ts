// What machines of a fleet are told: the same boot from each provisioner that is there, in turn; a provisioner alone tells what
// Matchbox does, to the byte.
/* eslint-disable no-template-curly-in-string -- iPXE's own variables */
import t from 'tap'
import { alone, bootsInTurn, type Fallbacks } from '../../src/matchbox/fallbacks.js'
import { createLoaderFiles } from '../../src/matchbox/loader-files.js'
import type { NetBoot } from '../../src/matchbox/profile.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { renderGrub } from '../../src/matchbox/render-grub.js'
import { bootScript, renderAutoexec, renderIpxe, renderIpxeInTurn, renderResilientInTurn, renderResilientIpxe } from '../../src/matchbox/render-ipxe.js'
import { runIpxe } from '../helpers/ipxe-script.js'
import { makeGroup, makeProfile, MemoryStore } from '../helpers/memory-store.js'
import { findTool, needs, runTool } from '../helpers/tools.js'

const two = { origin: 'http://10.0.0.3:8080', told: 'http://10.0.0.3:8080' }
const three = { origin: 'http://10.0.0.4:8080', told: 'http://10.0.0.4:8080' }
const among = (others: Fallbacks['others'], told = 'http://10.0.0.2:8080'): Fallbacks => ({
  others,
  told: () => told,
  isOwn: host => ['10.0.0.2', 'boot.test', '${next-server}'].includes(host),
  port: 8080,
  isByClient: false,
  version: () => others
})
const both = [two, three]
const fleet = among(() => both)
const boot: NetBoot = {
  kernel: '/assets/vmlinuz',
  initrd: ['/assets/a.img', '--name main http://k.test/b.img?x=1'],
  args: ['quiet', 'url=http://${next-server}:8080/ignition?mac=${mac:hexhyp}', 'also=http://10.0.0.2:8080/metadata,http://10.0.0.2/x', 'http://k.test:8080/y']
}

t.test('each provisioner has a boot of its own: files by its address, arguments that lead to it, what is elsewhere unchanged', async t => {
  t.same(bootsInTurn(boot, alone, '10.0.0.9'), [boot])
  t.same(bootsInTurn(boot, among(() => []), '10.0.0.9'), [boot])
  const [first, second, third] = bootsInTurn(boot, fleet, '10.0.0.9')
  t.same(first, { ...boot, args: ['quiet', 'url=http://10.0.0.2:8080/ignition?mac=${mac:hexhyp}', ...boot.args.slice(2)] }, 'next-server may be the one that died')
  t.same(second, {
    kernel: 'http://10.0.0.3:8080/assets/vmlinuz',
    initrd: ['http://10.0.0.3:8080/assets/a.img', '--name main http://k.test/b.img?x=1'],
    args: ['quiet', 'url=http://10.0.0.3:8080/ignition?mac=${mac:hexhyp}', 'also=http://10.0.0.3:8080/metadata,http://10.0.0.2/x', 'http://k.test:8080/y']
  })
  t.equal(third?.kernel, 'http://10.0.0.4:8080/assets/vmlinuz')
  const own = { kernel: 'http://boot.test:8080/k', initrd: ['i'], args: [], shim: 'http://${next-server}:8080/s' }
  t.same(bootsInTurn(own, fleet, undefined)[1], { kernel: 'http://10.0.0.3:8080/k', initrd: ['http://10.0.0.3:8080/i'], args: [], shim: 'http://10.0.0.3:8080/s' })
  const named = among(() => [{ ...two, told: 'http://boot.test:8080' }], 'http://boot.test:8080')
  const shared = { kernel: 'k', initrd: [], args: ['u=http://boot.test:8080/ignition'] }
  t.same(bootsInTurn(shared, named, undefined)[1], { kernel: 'http://10.0.0.3:8080/k', initrd: [], args: shared.args }, 'a name that both have stays for the installed system')
  const elsewhere = { kernel: 'http://k.test/k', initrd: ['tftp://${next-server}/i'], args: ['quiet'] }
  t.same(bootsInTurn(elsewhere, fleet, undefined), [elsewhere], 'nothing of it is here')
})

t.test('alone the scripts are what they were', async t => {
  t.equal(renderIpxeInTurn([boot]), renderIpxe(boot))
  t.equal(renderResilientInTurn([boot]), renderResilientIpxe(boot))
  t.equal(renderGrub(boot, []), renderGrub(boot))
  t.match(renderGrub(boot), /^default=0\nfallback=1\ntimeout=1\n/)
  t.equal(bootScript(['mac'], false, []), '#!ipxe\nchain ipxe?mac=${mac:hexhyp}\n')
})

/** What a machine loads and boots of what it carries out. */
const loaded = (script: string, fails: (command: string) => boolean): string[] =>
  runIpxe(script, { fails, settings: { platform: 'pcbios' } }).filter(command => /^(?:kernel|initrd|boot|imgfree|chain|sanboot)/.test(command))
    .map(command => command.replace(' --timeout 20000', '').replace(' --name a.img', '').split(' ').slice(0, 2).join(' '))

for (const [name, render] of [['plain', renderIpxeInTurn], ['resilient', renderResilientInTurn]] as const) {
  t.test(`a ${name} script goes on at the next provisioner, whole, whatever breaks`, async t => {
    const boots = bootsInTurn({ ...boot, initrd: ['/assets/a.img'] }, fleet, undefined)
    const script = render(boots)
    const load = (fails: (command: string) => boolean): string[] => loaded(script, fails)
    const started = name === 'plain' ? [] : ['imgfree']
    t.same(load(() => false), [...started, 'kernel /assets/vmlinuz', 'initrd /assets/a.img', 'boot'])
    t.same(load(command => command.includes(' /assets/')), [...started, 'kernel /assets/vmlinuz', 'imgfree', 'kernel http://10.0.0.3:8080/assets/vmlinuz', 'initrd http://10.0.0.3:8080/assets/a.img', 'boot'],
      'dead before the kernel')
    t.same(load(command => command.startsWith('initrd') && command.includes(' /assets/')).slice(started.length), ['kernel /assets/vmlinuz', 'initrd /assets/a.img', 'imgfree',
      'kernel http://10.0.0.3:8080/assets/vmlinuz', 'initrd http://10.0.0.3:8080/assets/a.img', 'boot'], 'dead between kernel and initrd: the arguments are of who is left')
    const chosen = runIpxe(script, { fails: command => command.startsWith('initrd') && command.includes(' /assets/') }).filter(command => command.startsWith('kernel')).at(-1)
    t.match(chosen, 'url=http://10.0.0.3:8080/ignition')
    t.same(load(command => / \/assets\/|10\.0\.0\.3:8080\/assets/.test(command)).at(-3), 'kernel http://10.0.0.4:8080/assets/vmlinuz', 'two dead')
    t.same(load(command => command.includes('--timeout')).slice(-3), ['kernel /assets/vmlinuz', 'initrd /assets/a.img', 'boot'], 'an iPXE without that option boots all the same')
    const nothing = load(command => /^(?:kernel|initrd)/.test(command))
    t.equal(nothing.at(-1), name === 'plain' ? 'kernel /assets/vmlinuz' : 'sanboot --no-describe')
    t.equal(nothing.filter(command => command.startsWith('kernel')).length, name === 'plain' ? 4 : 4 * 12, 'and that ends')
  })
}

t.test('the first script and autoexec.ipxe name the others, by whatever machines are told of them', async t => {
  const chains = (script: string, fails: (command: string) => boolean): string[] => runIpxe(script, { fails }).filter(command => command.startsWith('chain'))
  for (const resilient of [false, true]) {
    const script = bootScript(['mac'], resilient, both.map(({ origin }) => origin))
    t.same(chains(script, () => false), ['chain --timeout 20000 ipxe?mac=${mac:hexhyp}'], 'one is enough')
    t.same(chains(script, command => command.includes(' ipxe?')), ['chain --timeout 20000 ipxe?mac=${mac:hexhyp}', 'chain --timeout 20000 http://10.0.0.3:8080/ipxe?mac=${mac:hexhyp}'])
    t.equal(chains(renderAutoexec(['http://a/boot.ipxe', 'http://b/boot.ipxe'], resilient), command => command.includes('//a/')).at(-1), 'chain --timeout 20000 http://b/boot.ipxe')
  }
  const store = new MemoryStore({ groups: [makeGroup({ id: 'node', profile: 'node' })], profiles: [makeProfile({ id: 'node', boot })] })
  let others = both
  const fallbacks: Fallbacks = { ...among(() => others), version: () => others }
  const provisioner = createProvisioner({ store, fallbacks })
  const before = provisioner.bootScript('10.0.0.9')
  t.match(before.toString(), '|| chain --timeout 20000 http://10.0.0.4:8080/ipxe?uuid=')
  t.equal(provisioner.bootScript('10.0.0.9'), before)
  const version = provisioner.version()
  t.equal(provisioner.version(), version)
  const request = { labels: new Map<string, string>(), rawQuery: '', client: '10.0.0.9' }
  t.match(provisioner.render('ipxe', request).body?.toString(), 'kernel --timeout 20000 http://10.0.0.4:8080/assets/vmlinuz')
  others = [two]
  t.not(provisioner.version(), version, 'what was kept for others is made anew')
  t.notMatch(provisioner.render('ipxe', request).body?.toString(), '10.0.0.4')
  t.notMatch(provisioner.bootScript('10.0.0.9').toString(), '10.0.0.4')
  others = []
  t.equal(provisioner.render('ipxe', request).body?.toString(), renderIpxe(boot))
  t.equal(provisioner.bootScript().toString(), createProvisioner({ store }).bootScript().toString())

  others = both
  const make = async (name: string, scriptUrl = 'http://10.0.0.2:8080/boot.ipxe'): Promise<string> =>
    (await createLoaderFiles({ bootOf: provisioner.bootOf, scriptUrl, origin: 'http://10.0.0.2:8080', resilient: false, fallbacks })({ name, mac: undefined, client: '10.0.0.9', hasMenu: async () => false }))!.toString()
  t.match(await make('autoexec.ipxe'), /^#!ipxe\ndhcp && chain --timeout 20000 http:\/\/10\.0\.0\.2:8080\/boot\.ipxe \|\| chain --timeout 20000 http:\/\/10\.0\.0\.3:8080\/boot\.ipxe/)
  t.equal(await make('autoexec.ipxe', 'http://elsewhere/first.ipxe'), '#!ipxe\ndhcp && chain http://elsewhere/first.ipxe\n')
  const grub = await make('grub.cfg')
  t.match(grub, /function start_2 \{\necho "Loading kernel from \$1"\nif linux\$2 "\(\$1\)\/assets\/vmlinuz" quiet /)
  t.match(grub, /\nstart tftp\nif .*\nstart_1 tftp,10\.0\.0\.3 efi\nfi\nstart_1 tftp,10\.0\.0\.3\n/)
  t.match(grub, 'url=http://10.0.0.4:8080/ignition')
  const entries = provisioner.render('grub', request).body!.toString()
  t.match(entries, /^default=0\nfallback="1 2 3 4 5"\n/)
  t.match(entries, 'linux "(http,10.0.0.4:8080)/assets/vmlinuz" quiet')
  if (!needs(t, 'grub-script-check')) return
  // Matchbox hands arguments to GRUB as they are written, iPXE's settings too.
  const folder = t.testdir({ 'grub.cfg': grub, entries: renderGrub({ ...boot, args: ['quiet'] }, bootsInTurn({ ...boot, args: ['quiet'] }, fleet, undefined).slice(1)) })
  for (const file of ['grub.cfg', 'entries']) t.match(await runTool(findTool('grub-script-check')!, [`${folder}/${file}`]), { code: 0 }, 'as GRUB reads it')
})
