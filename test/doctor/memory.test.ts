// Memory advice, for Fedora CoreOS's names of every year and for initrds by their size.
import t from 'tap'
import { adviceFor } from '../../src/doctor/memory.js'

const sizes = (bytes: number) => () => bytes
const kernels = ['/assets/fedora-coreos/stable/fedora-coreos-live-kernel.x86_64', 'http://a/fedora-coreos-40.20240416.3.1-live-kernel-x86_64', '/assets/fedora-coreos-44.1-live-kernel.aarch64']

t.test('Fedora CoreOS live: by where its rootfs comes from', async t => {
  for (const kernel of kernels) {
    const initrd = ['--name main http://a/live-initramfs.x86_64.img']
    t.match(adviceFor('p', { kernel, initrd, args: ['coreos.live.rootfs_url=http://a/r.img'] }, sizes(0)), [{ level: 'note', text: /2 GiB/ }])
    t.match(adviceFor('p', { kernel, initrd: [...initrd, 'http://a/fedora-coreos-live-rootfs.x86_64.img'], args: [] }, sizes(0)), [{ level: 'note', text: /4 GiB.*rootfs_url/ }])
    t.match(adviceFor('p', { kernel, initrd, args: [] }, sizes(0)), [{ level: 'warning', text: /names no rootfs.*add coreos\.live\.rootfs_url= with the whole URL of fedora-coreos-[\w.-]*live-rootfs\.(?:x86_64|aarch64)\.img to its boot\.args/ }])
    t.match(adviceFor('p', { kernel, initrd, args: ['coreos.live.rootfs_url=/assets/r.img'] }, sizes(0)), [{ level: 'warning', text: /\/assets\/r\.img among its boot\.args is no whole URL/ }])
    t.match(adviceFor('p', { kernel, initrd, args: ['coreos.live.rootfs_url=${base}/r.img'] }, sizes(0)), [{ level: 'note' }], "iPXE's to fill in") // eslint-disable-line no-template-curly-in-string
  }
})

t.test('others: what is held packed and unpacked, rounded up to half a GiB', async t => {
  const boot = { kernel: '/assets/flatcar/stable/flatcar_production_pxe.vmlinuz', initrd: ['/assets/a'], args: [] }
  t.same(adviceFor('p', boot, sizes(0)), [])
  t.same(adviceFor('p', boot, sizes(2 ** 28 - 1)), [])
  t.match(adviceFor('p', boot, sizes(420 * 2 ** 20)), [{ text: /420 MiB of initrd.* 1\.5 GiB/ }])
  t.match(adviceFor('p', { ...boot, initrd: ['a', 'b'] }, sizes(420 * 2 ** 20)), [{ text: /840 MiB of initrd.* 2\.5 GiB/ }])
})
