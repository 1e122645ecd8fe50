// What is read whole is a file and of a size that belongs there; whoever reads a path by other means stands here with the reason.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readWhole, readWholeSync } from '../../src/disk/whole-file.js'
import { shortFolder } from '../helpers/short-folder.js'

t.test('a folder, a pipe that nobody writes to, a socket, a device and what has no end are told at once for what they are', async t => {
  const folder = shortFolder(t)
  mkdirSync(join(folder, 'folder'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  symlinkSync('pipe', join(folder, 'link'))
  const server = createServer().listen(join(folder, 'socket'))
  await once(server, 'listening')
  t.teardown(() => server.close())
  const rows = [
    ['folder', /^EISDIR: it is a folder$/],
    ['pipe', /^it is no file but a pipe/],
    ['link', /^it is no file but a pipe/],
    ['socket', /^ENXIO: /],
    ['nothing', /^ENOENT: /],
    ['/dev/zero', /^it is no file but a pipe, a socket or a device$/],
    ['/proc/self/pagemap', /^it is no file of a disk: the kernel makes it as it is read, and says no end$/]
  ] as const
  for (const [name, message] of rows) {
    const path = name.startsWith('/') ? name : join(folder, name)
    await t.rejects(readWhole(path, 'credentials'), { message }, name)
    t.throws(() => readWholeSync(path, 'credentials'), { message }, name)
  }
})

t.test('a file is read through links, an empty one too', async t => {
  const folder = shortFolder(t)
  writeFileSync(join(folder, 'some'), 'a\xff\n', 'latin1')
  writeFileSync(join(folder, 'empty'), '')
  symlinkSync('some', join(folder, 'link'))
  const uptime = /^\d+\.\d\d \d+\.\d\d\n$/
  t.match((await readWhole('/proc/uptime', 'lists')).toString(), uptime, 'of no size that is told')
  t.match(readWholeSync('/proc/uptime', 'lists').toString(), uptime)
  for (const [name, content] of [['some', 'a\xff\n'], ['link', 'a\xff\n'], ['empty', '']] as const) {
    t.equal((await readWhole(join(folder, name), 'lists')).toString('latin1'), content)
    t.equal(readWholeSync(join(folder, name), 'lists').toString('latin1'), content)
  }
})

t.test('of a size that belongs there, and not an octet more', async t => {
  const path = join(shortFolder(t), 'file')
  writeFileSync(path, '')
  truncateSync(path, 2 ** 20)
  t.equal((await readWhole(path, 'credentials')).length, 2 ** 20)
  truncateSync(path, 2 ** 20 + 1)
  await t.rejects(readWhole(path, 'credentials'), { message: 'it is larger than 1 MiB' })
  t.throws(() => readWholeSync(path, 'credentials'), { message: 'it is larger than 1 MiB' })
  truncateSync(path, 16 * 2 ** 20 + 1)
  t.throws(() => readWholeSync(path, 'collections'), { message: 'it is larger than 16 MiB' })
})

/** Paths that no configuration and no user names, and readers that open and look first. */
const others: Readonly<Record<string, string>> = {
  'base/bundled': 'what ships with the program',
  'ui/ui-app': 'what ships with the program',
  'cli/setup-config': 'what an installation put there',
  'cli/setup-files': 'what an installation put there',
  'cli/setup-plan': 'what an installation put there, and /proc',
  'cli/setup-steps': 'what an installation put there',
  'cli/setup-versions': 'what an installation put there',
  'cli/setup-zones': 'what an installation put there',
  'disk/denied': '/proc and /etc/passwd',
  'disk/folder-lock': 'a descriptor that is open, and /proc',
  'disk/mounts': '/proc',
  'disk/whole-file': 'the one place',
  'doctor/container': '/proc and /run',
  'doctor/diagnose': '/proc and /etc/ufw',
  'doctor/ports': '/proc',
  'inventory/read-files': 'looks at what it is first, and has words of its own',
  main: '/etc/passwd and /etc/group',
  'net/addresses-of': '/etc/hosts and the like',
  'net/conflict-probe': '/proc',
  'net/connection': '/proc',
  'net/descriptors': '/proc',
  'net/freed-memory': '/proc',
  'net/port-owner': '/proc',
  'net/receive-queue': '/proc',
  'machines/address-claims': '/proc',
  'wiring/guard': '/proc'
}

t.test('nothing else reads a path whole by itself', t => {
  const src = fileURLToPath(new URL('../../src', import.meta.url))
  const readers = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
    .filter(name => /\breadFile(?:Sync)?\b(?=[^;\n]* from 'node:fs)|\.readFile\(/.test(readFileSync(join(src, name), 'utf8')))
    .map(name => name.slice(0, -'.ts'.length)).sort()
  t.same(readers, Object.keys(others).sort(), 'readWhole of disk/whole-file is for paths that somebody may name')
  t.end()
})
