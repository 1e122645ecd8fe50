import t from 'tap'
import { pinAssets } from '../../src/matchbox/pin-assets.js'
import { growth, muchGrowth } from '../helpers/work.js'

const asked: string[] = []
const places = {
  resolve: (path: string): string => {
    asked.push(path)
    return path.replace('/flatcar/stable', '/flatcar/4230.2.1')
  },
  isOwn: (host: string): boolean => ['10.0.0.1', 'boot.example.com', '[fd00::1]', '${next-server}', '${net0/next-server:ipv4}'].includes(host) // eslint-disable-line no-template-curly-in-string
}
const pinned = (text: string): { kernel: string, initrd: string, arg: string } => {
  const { kernel, initrd, args } = pinAssets({ kernel: text, initrd: [text], args: [text] }, places)
  return { kernel, initrd: initrd[0]!, arg: args[0]! }
}

t.test('what leads to assets of this appliance', t => {
  for (const text of [
    '/assets/flatcar/stable/vmlinuz',
    'http://10.0.0.1:8080/assets/flatcar/stable/vmlinuz?x=1',
    'https://boot.example.com/assets/flatcar/stable/vmlinuz#x',
    'http://BOOT.example.com/assets/flatcar/stable/vmlinuz',
    'http://[fd00::1]:8080/assets/flatcar/stable/vmlinuz',
    'http://user:secret@10.0.0.1/assets/flatcar/stable/vmlinuz',
    '(http,10.0.0.1:8080)/assets/flatcar/stable/vmlinuz',
    '--name main http://10.0.0.1:8080/assets/flatcar/stable/initrd.cpio.gz',
    'coreos.live.rootfs_url=http://10.0.0.1:8080/assets/flatcar/stable/rootfs.img',
    'root=live:http://10.0.0.1:8080/assets/flatcar/stable/rootfs.img',
    'ignition.config.url=http://10.0.0.1:8080/assets/flatcar/stable/x.ign?uuid=${uuid}', // eslint-disable-line no-template-curly-in-string
    'http://${next-server}:8080/assets/flatcar/stable/vmlinuz', // eslint-disable-line no-template-curly-in-string
    'rootfs=http://${net0/next-server:ipv4}/assets/flatcar/stable/x', // eslint-disable-line no-template-curly-in-string
    'a="http://10.0.0.1/assets/flatcar/stable/x",b=/assets/flatcar/stable/y c'
  ]) {
    const expected = text.replaceAll('/flatcar/stable', '/flatcar/4230.2.1')
    t.same(pinned(text), { kernel: expected, initrd: expected, arg: expected }, text)
  }
  t.match(pinned('assets/flatcar/stable/vmlinuz'), { kernel: 'assets/flatcar/4230.2.1/vmlinuz', initrd: 'assets/flatcar/4230.2.1/vmlinuz', arg: 'assets/flatcar/stable/vmlinuz' },
    'beside the script, where iPXE would look for it')
  asked.length = 0
  pinned('http://10.0.0.1:8080/assets/a/b?c#d')
  t.same(new Set(asked), new Set(['/assets/a/b']), 'neither query nor fragment')
  t.end()
})

t.test('all else stays to the byte', t => {
  for (const text of [
    'http://mirror.example.com/assets/flatcar/stable/vmlinuz',
    'http://10.0.0.11/assets/flatcar/stable/vmlinuz',
    'http://10.0.0.1.example.com/assets/flatcar/stable/vmlinuz',
    'http://mirror.example.com/x?from=10.0.0.1/assets/flatcar/stable/vmlinuz',
    'http://10.0.0.1/other/assets/flatcar/stable/vmlinuz',
    'tftp://10.0.0.1/assets/flatcar/stable/vmlinuz',
    'http://${dns}/assets/flatcar/stable/vmlinuz', 'http://${next-server}.example.com/assets/flatcar/stable/vmlinuz', // eslint-disable-line no-template-curly-in-string
    'nfs:10.0.0.1:/assets/flatcar/stable',
    '/other/flatcar/stable', '/assetsflatcar/stable', 'quiet', ''
  ]) t.same(pinned(text), { kernel: text, initrd: text, arg: text }, text)
  t.equal(pinAssets({ kernel: '', initrd: [], args: [], resilient: true }, places).resilient, true)
  t.end()
})

t.test('the work grows with the argument', t => {
  for (const [head, part] of [['', 'http://'], ['http://', 'a'], ['', '/assets/'], ['http://', '@'], ['', '(http,'], ['', 'http://${']] as const) {
    const grown = growth(size => { pinned(head + part.repeat(size)) }, 5000)
    t.ok(grown < muchGrowth, `${head}${part}...: ${grown.toFixed(1)} times the work for eight times the text`)
  }
  t.end()
})
