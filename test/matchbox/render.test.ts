import t from 'tap'
import { renderGrub } from '../../src/matchbox/render-grub.js'
import { renderKernel } from '../../src/matchbox/render-pxelinux.js'
import { boardImage, renderBoardFile } from '../../src/matchbox/render-raspberry-pi.js'
import { parseMac } from '../../src/net/mac.js'
import { runIpxe } from '../helpers/ipxe-script.js'
import { bootScript, defaultScriptLabels, renderAutoexec, renderIpxe, renderResilientIpxe } from '../../src/matchbox/render-ipxe.js'

const boot = { kernel: '/assets/vmlinuz', initrd: ['/assets/a.img', '--name main http://k.test/b.img?x=1'], args: ['quiet', 'console=tty0'] }

t.test('the scripts of Matchbox', t => {
  t.equal(renderIpxe(boot), '#!ipxe\nkernel /assets/vmlinuz quiet console=tty0\ninitrd /assets/a.img\ninitrd --name main http://k.test/b.img?x=1\nboot\n')
  t.equal(renderIpxe({ kernel: 'k', initrd: [], args: [] }), '#!ipxe\nkernel k\nboot\n')
  t.match(renderGrub(boot), '{\necho "Loading kernel"\nlinuxefi "/assets/vmlinuz" quiet console=tty0\necho "Loading initrd"\ninitrdefi  "/assets/a.img" "--name')
  t.match(bootScript(defaultScriptLabels, false), /^#!ipxe\nchain ipxe\?uuid=\$\{uuid\}&mac=\$\{mac:hexhyp\}&domain=.*\n$/)
  // eslint-disable-next-line no-template-curly-in-string -- iPXE's own variables
  const asMatchbox011 = '#!ipxe\nchain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain}&hostname=${hostname}&serial=${serial}&arch=${buildarch:uristring}\n'
  t.equal(bootScript([...defaultScriptLabels, 'arch'], false), asMatchbox011, 'to the byte as in the source of Matchbox 0.11')
  t.end()
})

t.test('a resilient script names every initrd and tries every step again', t => {
  const script = renderResilientIpxe(boot)
  t.match(script, '\nkernel /assets/vmlinuz quiet console=tty0 initrd=a.img initrd=main || goto kernel_failed\n')
  t.match(script, '\ninitrd --name a.img /assets/a.img || goto initrd_0_failed\n')
  t.match(script, '\ninitrd --name main http://k.test/b.img?x=1 || goto initrd_1_failed\n')
  t.match(script, '\nboot || goto give_up\n')
  t.match(script, /\nreboot \|\| exit 1\n$/)
  t.match(bootScript(defaultScriptLabels, true), /\nchain ipxe\?.* && exit \|\| goto script_failed\n/)
  const own = renderResilientIpxe({ ...boot, args: ['initrd=a.img'] })
  t.match(own, '\nkernel /assets/vmlinuz initrd=a.img || goto', 'the arguments\' own initrd= stay alone')
  const twins = renderResilientIpxe({ kernel: 'k', initrd: ['http://a/x.img', 'http://b/x.img', 'http://c/'], args: [] })
  t.match(twins, 'initrd=x.img initrd=initrd1 initrd=initrd2')
  t.end()
})

t.test('what a machine does with a resilient script', t => {
  const run = (script: string, fails: (command: string) => boolean): string[] => runIpxe(script, { fails, settings: { platform: 'pcbios' } })
  const loaded = (done: string[]): string[] => done.filter(c => /^(?:kernel|initrd|boot|reboot|chain|sanboot|dhcp)/.test(c)).map(c => c.split(' ')[0]!)
  const script = renderResilientIpxe(boot)
  t.same(loaded(run(script, () => false)), ['kernel', 'initrd', 'initrd', 'boot'])
  let left = 3
  t.same(loaded(run(script, c => c.includes('a.img /') && left-- > 0)), ['kernel', 'initrd', 'initrd', 'initrd', 'initrd', 'initrd', 'boot'])
  const lost = run(script, c => c.startsWith('kernel'))
  t.equal(loaded(lost).at(-1), 'sanboot', 'the local disk is what is left')
  t.ok(lost.filter(c => c === 'sleep 6').length * 6 >= 60, 'it waits for a minute at least before it gives up')
  const blank = run(script, c => /^(?:kernel|sanboot)/.test(c))
  t.same(loaded(blank).slice(-2), ['sanboot', 'reboot'], 'a blank disk does not start, and all begins anew')
  t.same(loaded(run(bootScript(defaultScriptLabels, true), () => false)), ['chain'])
  const autoexec = renderAutoexec(['http://k.test/boot.ipxe'], true)
  t.same(loaded(run(autoexec, () => false)), ['dhcp', 'chain'])
  t.same(loaded(run(autoexec, c => /^(?:dhcp|sanboot)/.test(c))).slice(-3), ['dhcp', 'sanboot', 'reboot'])
  t.equal(loaded(run(autoexec, c => c.startsWith('chain'))).at(-1), 'sanboot')
  t.end()
})

t.test('the distribution\'s shim vouches for its kernel to iPXE, before it boots', t => {
  const boot = { kernel: '/k', initrd: ['/i'], args: [], shim: '/assets/shimx64.efi' }
  t.equal(renderIpxe(boot), '#!ipxe\nkernel /k\ninitrd /i\nshim /assets/shimx64.efi ||\nboot\n')
  t.match(renderResilientIpxe(boot), '\nshim /assets/shimx64.efi ||\nboot || goto give_up\n')
  t.notMatch(renderResilientIpxe({ kernel: '/k', initrd: [], args: [] }), 'shim')
  t.end()
})

/* eslint-disable no-template-curly-in-string -- iPXE's own variables */
t.test('for loaders that run no iPXE: lines of what there is, with the names of the machine filled in', t => {
  const known = { mac: parseMac('52:54:00:00:00:01'), uuid: undefined }
  const bare = { kernel: '/assets/vmlinuz', initrd: [], args: [] }
  const full = { ...bare, initrd: ['--name main /assets/a.img', '/assets/b.img'], args: ['initrd=main', 'a=${net0/mac:hexhyp}', 'b=${uuid}', 'c=${next-server}'] }
  t.equal(renderKernel(bare, known), 'DEFAULT linux\nPROMPT 0\n\nLABEL linux\n  KERNEL /assets/vmlinuz\n')
  t.equal(renderKernel({ ...full, initrd: [...full.initrd, ''] }, known),
    'DEFAULT linux\nPROMPT 0\n\nLABEL linux\n  KERNEL /assets/vmlinuz\n  INITRD /assets/a.img,/assets/b.img\n  APPEND initrd=main a=52-54-00-00-00-01 b=${uuid} c=${next-server}\n')
  const board = (name: string, of = full): string | undefined => renderBoardFile(name, of, known, 'http://10.0.0.2:8080')
  t.equal(board('config.txt', bare), '[all]\narm_64bit=1\nenable_uart=1\nkernel=vmlinuz\n')
  t.equal(board('config.txt'), '[all]\narm_64bit=1\nenable_uart=1\nkernel=vmlinuz\ninitramfs initrd,initrd1 followkernel\n')
  t.equal(board('cmdline.txt'), 'a=52-54-00-00-00-01 b=${uuid} c=10.0.0.2\n')
  t.equal(board('start4.elf'), undefined)
  t.same(['vmlinuz', 'initrd', 'initrd1', 'initrd0', 'initrd2'].map(name => boardImage(name, full)), [
    { kind: 'kernel', url: '/assets/vmlinuz' }, { kind: 'initrd', url: '/assets/a.img' }, { kind: 'initrd', url: '/assets/b.img' }, undefined, undefined
  ])
  t.end()
})
