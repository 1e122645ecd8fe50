// What a loader loads next, looked at as a machine would.
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Readers } from '../../src/disk/disk-file.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { storedFiles } from '../../src/tftp/file-source.js'
import { followChain } from '../../src/loaders/boot-chain.js'
import { FakeClock } from '../helpers/fake-clock.js'

t.test('boot.bios: pxelinux.0, as far as ipxe.lkrn', async t => {
  const dir = t.testdir({ root: { bios: {} }, elsewhere: { 'ipxe.lkrn': 'x' } })
  const root = join(dir, 'root')
  const follow = async (loader: string): Promise<object> =>
    await followChain(loader, storedFiles({ roots: [root], cache: new FileCache({ memory: 0, clock: new FakeClock() }), readers: new Readers(), clock: new FakeClock() }))
  const put = (name: string): void => { writeFileSync(join(root, name), 'x') }
  t.same(await follow('pxelinux.0'), { found: false, problems: [] })
  put('pxelinux.0')
  t.match(await follow('pxelinux.0'), { found: true, problems: [/loads ldlinux\.c32, which is nowhere/, /loads ipxe\.lkrn, which is nowhere: machines stop there/] })
  put('ldlinux.c32')
  symlinkSync('../elsewhere/ipxe.lkrn', join(root, 'ipxe.lkrn'))
  t.match(await follow('pxelinux.0'), { problems: [/^pxelinux\.0 loads ipxe\.lkrn: .* is a link to .*elsewhere\/ipxe\.lkrn, which is in none/] }, 'a link that is refused')
  put('menu.c32')
  t.match(await follow('pxelinux.0'), { problems: [/libutil\.c32/, /ipxe\.lkrn/] })
  put('bios/lpxelinux.0')
  t.match(await follow('bios/lpxelinux.0'), { problems: [/bios\/ldlinux\.c32/, /ipxe\.lkrn/] }, 'modules beside it, iPXE at the root')
  put('shimx64.efi')
  t.match(await follow('shimx64.efi'), { found: true, problems: [/^shimx64\.efi loads grubx64\.efi, which is nowhere/] })
  put('grubx64.efi')
  t.same(await follow('shimx64.efi'), { found: true, problems: [] })
  put('snponly-shim.efi')
  t.match(await follow('snponly-shim.efi'), { problems: [/loads snponly\.efi/, /loads ipxe\.efi/] }, "iPXE's shim takes its name from its own, and some firmware has it take ipxe.efi")
  put('snponly.efi')
  t.same(await follow('snponly.efi'), { found: true, problems: [] })
})
