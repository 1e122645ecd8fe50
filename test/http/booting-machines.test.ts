import t from 'tap'
import { bootFileKind, BootingMachines } from '../../src/http/booting-machines.js'
import type { NetBoot } from '../../src/matchbox/profile.js'

const boot: NetBoot = { kernel: 'http://h/assets/a/vmlinuz?x=1', initrd: ['--name main http://h/assets/a/cpio.gz#y', 'assets/b/second'], args: [] }
const profile = { id: 'p', name: '', boot, ignitionId: '', cloudId: '', genericId: '' }
const booting = { mac: undefined, group: undefined, profile, boot }

t.test('which file is whose kernel', t => {
  for (const [path, kind] of [
    ['/assets/a/vmlinuz', 'kernel'], ['/assets/a/cpio.gz', 'initrd'], ['/assets/b/second', 'initrd'], ['/assets/a/vmlinuz2', undefined], ['/assets/b/vmlinuz', undefined],
    ['/assets/b/secon', undefined]
  ] as const) t.equal(bootFileKind(boot, path), kind, path)
  t.equal(bootFileKind({ ...boot, initrd: [boot.kernel] }, '/assets/a/vmlinuz'), 'kernel', 'a file that is both')
  t.equal(bootFileKind({ ...boot, initrd: [] }, '/assets/a/cpio.gz'), undefined)
  t.end()
})

t.test('the script that an address was given last decides, of the latest 4,096 addresses', t => {
  const machines = new BootingMachines()
  const path = '/assets/a/vmlinuz'
  t.equal(machines.lookUp('a', path), undefined)
  machines.scriptServed('a', booting)
  t.match(machines.lookUp('a', path), { kind: 'kernel', profile })
  t.equal(machines.lookUp('a', '/assets/other'), undefined)
  machines.scriptServed('a', { ...booting, boot: undefined })
  t.equal(machines.lookUp('a', path), undefined, 'a script that boots nothing')
  machines.scriptServed('a', booting)
  machines.scriptServed('b', booting)
  for (let n = 0; n < 4094; n++) machines.scriptServed(`more ${n}`, booting)
  t.ok(machines.lookUp('a', path))
  machines.scriptServed('a', booting)
  machines.scriptServed('one more', booting)
  t.same(['a', 'b', 'one more', 'more 0'].map(ip => machines.lookUp(ip, path) !== undefined), [true, false, true, true], 'the one that was served longest ago goes')
  t.end()
})
