// The newc archives that the kernel unpacks: each header field where the format has it, everything on 4 bytes.
import t from 'tap'
import { characterDevice, directory, encodeCpio, type Entry, file, symlink } from '../../scripts/lib/cpio.js'

interface Header {
  readonly path: string
  readonly mode: number
  readonly inode: number
  readonly device: readonly number[]
  readonly content: string
}

/** Reads an archive the way linux/init/initramfs.c does. */
function decode (archive: Buffer): Header[] {
  const found: Header[] = []
  for (let at = 0; at < archive.length;) {
    if (archive.toString('latin1', at, at + 6) !== '070701') throw new Error(`no magic at ${at}`)
    const field = (index: number): number => parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16)
    const [size, nameSize] = [field(6), field(11)]
    const name = at + 110
    const content = (name + nameSize + 3) & ~3
    found.push({
      path: archive.toString('utf8', name, name + nameSize - 1),
      inode: field(0),
      mode: field(1),
      device: [field(9), field(10)],
      content: archive.toString('utf8', content, content + size)
    })
    at = (content + size + 3) & ~3
  }
  return found
}

t.test('every kind of entry comes back, with the trailer at the end', t => {
  const entries: Entry[] = [
    directory('etc'), file('etc/motd', Buffer.from('hello\n'), 0o640), file('e', Buffer.from('')), symlink('bin', 'usr/bin'), characterDevice('console', 5, 1)
  ]
  const headers = decode(encodeCpio(entries))
  t.strictSame(headers.map(({ path }) => path), ['etc', 'etc/motd', 'e', 'bin', 'console', 'TRAILER!!!'])
  t.strictSame(headers.map(({ mode }) => mode.toString(8)), ['40755', '100640', '100644', '120777', '20600', '0'])
  t.strictSame(headers.map(({ content }) => content), ['', 'hello\n', '', 'usr/bin', '', ''])
  t.strictSame(headers[4]?.device, [5, 1])
  t.equal(new Set(headers.map(({ inode }) => inode)).size, headers.length, 'no two entries are links to each other')
  t.end()
})

t.test('contents of every length stay aligned', t => {
  for (let length = 0; length < 9; length++) {
    const archive = encodeCpio([file('x'.repeat(length + 1), Buffer.alloc(length, 'a')), directory('after')])
    t.equal(archive.length % 4, 0)
    t.strictSame(decode(archive).map(({ path }) => path), ['x'.repeat(length + 1), 'after', 'TRAILER!!!'])
  }
  t.end()
})
