import t from 'tap'
import { renderGrub } from '../../src/matchbox/render-grub.js'
import { bootScript, renderIpxe, renderResilientIpxe } from '../../src/matchbox/render-ipxe.js'

const boot = { kernel: '/assets/vmlinuz', initrd: ['/assets/a.img', '--name main http://k.test/b.img?x=1'], args: ['quiet', 'console=tty0'] }

t.test('the scripts of Matchbox', t => {
  t.equal(renderIpxe(boot), '#!ipxe\nkernel /assets/vmlinuz quiet console=tty0\ninitrd /assets/a.img\ninitrd --name main http://k.test/b.img?x=1\nboot\n')
  t.equal(renderIpxe({ kernel: 'k', initrd: [], args: [] }), '#!ipxe\nkernel k\nboot\n')
  t.match(renderGrub(boot), '{\necho "Loading kernel"\nlinuxefi "/assets/vmlinuz" quiet console=tty0\necho "Loading initrd"\ninitrdefi  "/assets/a.img" "--name')
  t.match(bootScript(false), /^#!ipxe\nchain ipxe\?uuid=\$\{uuid\}&mac=\$\{mac:hexhyp\}&domain=.*\n$/)
  t.end()
})

t.test('a resilient script names every initrd and tries every step again', t => {
  const script = renderResilientIpxe(boot)
  t.match(script, '\nkernel /assets/vmlinuz quiet console=tty0 initrd=a.img initrd=main || goto kernel_failed\n')
  t.match(script, '\ninitrd --name a.img /assets/a.img || goto initrd_0_failed\n')
  t.match(script, '\ninitrd --name main http://k.test/b.img?x=1 || goto initrd_1_failed\n')
  t.match(script, '\nboot || goto give_up\n')
  t.match(script, /\nreboot \|\| exit 1\n$/)
  t.match(bootScript(true), /\nchain ipxe\?.* && exit \|\| goto script_failed\n/)
  const own = renderResilientIpxe({ ...boot, args: ['initrd=a.img'] })
  t.match(own, '\nkernel /assets/vmlinuz initrd=a.img || goto', 'the arguments\' own initrd= stay alone')
  const twins = renderResilientIpxe({ kernel: 'k', initrd: ['http://a/x.img', 'http://b/x.img', 'http://c/'], args: [] })
  t.match(twins, 'initrd=x.img initrd=initrd1 initrd=initrd2')
  t.end()
})

// A walk through a script as iPXE runs it: commands joined by && and ||, goto, and the counter.
function run (script: string, fails: (command: string) => boolean): string[] {
  const lines = script.split('\n')
  const done: string[] = []
  let tries = 0
  for (let at = 1; at < lines.length && done.length < 500; at++) {
    let ok = true
    let jump: string | undefined
    for (const [, joint, command = ''] of lines[at]!.matchAll(/(&&|\|\||^)\s*((?:(?!&&|\|\|).)*)/g)) {
      if ((joint === '&&' && !ok) || (joint === '||' && ok) || command.startsWith(':')) continue
      const [word, ...rest] = command.trim().split(/\s+/)
      if (word === 'goto') jump = rest[0]
      else if (word === 'set') tries = 0
      else if (word === 'inc') tries++
      else if (word === 'iseq') ok = tries === Number(rest[1])
      else if (word === 'exit') return done
      else if (word !== '' && word !== undefined) {
        done.push(command.trim())
        ok = !fails(command)
      } else ok = true
      if (jump !== undefined) break
    }
    if (jump !== undefined) at = lines.indexOf(`:${jump}`)
    if (done.at(-1) === 'boot' && !fails('boot')) return done
    if (done.at(-1) === 'reboot') return done
  }
  return done
}

t.test('what a machine does with a resilient script', t => {
  const loaded = (done: string[]): string[] => done.filter(c => /^(?:kernel|initrd|boot|reboot|chain)/.test(c)).map(c => c.split(' ')[0]!)
  const script = renderResilientIpxe(boot)
  t.same(loaded(run(script, () => false)), ['kernel', 'initrd', 'initrd', 'boot'])
  let left = 3
  t.same(loaded(run(script, c => c.includes('a.img /') && left-- > 0)), ['kernel', 'initrd', 'initrd', 'initrd', 'initrd', 'initrd', 'boot'])
  const lost = run(script, c => c.startsWith('kernel'))
  t.equal(loaded(lost).at(-1), 'reboot')
  t.ok(lost.filter(c => c === 'sleep 6').length * 6 >= 60, 'it waits for a minute at least before it starts over')
  t.equal(run(bootScript(true), () => false).length, 1)
  t.end()
})
