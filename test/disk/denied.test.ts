// A file that is refused: whose it is, whom one is, and the command that mends it.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { remedyFor, remedyForSecret, remedyForWriting } from '../../src/disk/denied.js'
import { HostsFolder } from '../../src/config/hosts-folder.js'
import { writeError, writeFileAtomic } from '../../src/disk/atomic-file.js'
import { shortFolder } from '../helpers/short-folder.js'

const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })

t.test('by the owner, the user and the mode', t => {
  const own = process.getuid?.() ?? 0
  const folder = t.testdir({
    'hosts.d': {},
    'with a blank': {},
    passwd: `root:x:0:0::/:/bin/sh\nmatchbox:x:990:990::/var/lib/matchbox:/sbin/nologin\nowner:x:${own === 0 ? 1 : own}:1::/:/bin/sh\n`,
    status: 'Name:\tx\nUid:\t0\t990\t990\t990\n',
    root: 'Uid:\t0\t0\t0\t0\n',
    self: `Uid:\t${own}\t${own}\t${own}\t${own}\n`
  })
  const sources = { status: join(folder, 'status'), passwd: join(folder, 'passwd') }
  const theirs = own === 0 ? 'root' : 'owner'
  const hosts = join(folder, 'hosts.d')
  t.equal(remedyFor(hosts, denied, sources), `; ${hosts} belongs to ${theirs}, and this runs as matchbox: chown -R matchbox: ${hosts}`)
  t.match(remedyFor(join(folder, 'with a blank'), denied, sources), `chown -R matchbox: '${folder}/with a blank'`)
  t.equal(remedyFor(join(folder, 'state/hosts.d'), denied, sources), `; ${folder} belongs to ${theirs}, and this runs as matchbox: install -d -o matchbox ${folder}/state/hosts.d`,
    'a folder above it is not given away')
  t.equal(remedyFor(hosts, denied, { ...sources, status: join(folder, 'root') }), '', 'root is refused by something else')
  t.equal(remedyFor(hosts, denied, { ...sources, status: join(folder, 'missing') }), '')
  t.equal(remedyFor(hosts, Object.assign(new Error('x'), { code: 'ENOSPC' }), sources), '')
  t.match(remedyFor(hosts, denied, { ...sources, passwd: join(folder, 'missing') }), /runs as 990: chown -R 990: /, 'by number where it has no name')
  if (own !== 0) t.match(remedyFor(hosts, denied, { ...sources, status: join(folder, 'self') }), /has mode 0\d{3}: chmod u\+rwX/)
  t.match(writeError(join(hosts, 'rack.yaml'), denied).message, /rack\.yaml could not be written: EACCES: permission denied/)
  t.end()
})

t.test('to who owns it, and of a secret', t => {
  const own = process.getuid?.() ?? 0
  const other = own + 1
  const status = (name: string, uid: number): string => `Name:\t${name}\nUid:\t0\t${uid}\t${uid}\t${uid}\n`
  const folder = t.testdir({
    mine: {}, 'it\'s': '', secret: '', passwd: `me:x:${own}:0::/:\nother:x:${other}:0::/:\n`, me: status('me', own), other: status('other', other), root: status('root', 0)
  })
  const [passwd, secret, mine] = ['passwd', 'secret', 'mine'].map(name => join(folder, name)) as [string, string, string]
  const as = (name: string): { status: string, passwd: string } => ({ status: join(folder, name), passwd })
  for (const code of ['EACCES', 'EPERM']) {
    t.equal(remedyForSecret(secret, Object.assign(new Error(code), { code }), as('other')),
      `; it belongs to me, and this runs as other: chgrp other ${secret} && chmod 640 ${secret}`)
  }
  t.equal(remedyForSecret(secret, Object.assign(new Error('x'), { code: 'EIO' }), as('other')), '')
  t.equal(remedyForSecret(secret, denied, as('root')), '')
  t.equal(remedyForSecret(secret, denied, as('missing')), '')
  t.equal(remedyForSecret(join(folder, 'none'), denied, as('other')), `; ${folder} belongs to me, and this runs as other: install -d -o other ${folder}/none`, 'as any file that is not there')
  t.match(remedyFor(join(folder, 'it\'s'), denied, as('other')), `chown -R other: '${folder}/it'\\''s'`)
  t.equal(remedyForWriting(join(mine, 'file'), denied, as('other')), `; ${mine} belongs to me, and this runs as other: chown -R other: ${mine}`)
  if (own !== 0) {
    chmodSync(mine, 0o500)
    t.equal(remedyFor(mine, denied, as('me')), `; ${mine} has mode 0500: chmod u+rwX ${mine}`)
    t.equal(remedyForSecret(mine, denied, as('me')), `; ${mine} has mode 0500: chmod u+rwX ${mine}`)
  } else {
    chownSync(mine, other, 0)
    chmodSync(mine, 0o050)
    t.equal(remedyFor(mine, denied, as('other')), `; ${mine} has mode 0050: chmod u+rwX ${mine}`)
    t.equal(remedyForSecret(mine, denied, as('other')), `; ${mine} has mode 0050: chmod u+rwX ${mine}`)
    t.equal(remedyForWriting(join(mine, 'none'), denied, as('other')), `; ${mine} has mode 0050: chmod u+rwX ${mine}`, 'the folder of what is not there')
    writeFileSync(join(mine, 'theirs'), '')
    t.equal(remedyForWriting(join(mine, 'theirs'), denied, as('other')), `; ${mine}/theirs belongs to me, and this runs as other: chown -R other: ${mine}/theirs`, 'what stands in a folder of ours')
  }
  t.equal(writeError('/srv/x', Object.assign(new Error('EROFS'), { code: 'EROFS' })).message, '/srv/x could not be written: it is on a read-only file system')
  for (const code of ['ENOSPC', 'EDQUOT']) t.match(writeError('/srv/x', Object.assign(new Error(code), { code })), { code: 'disk_full', message: '/srv/x could not be written: no space is left there' })
  t.end()
})

t.test('really refused, to another user', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async t => {
  const folder = shortFolder(t)
  chmodSync(folder, 0o755)
  const [hosts, shut, mine] = ['hosts.d', 'shut', 'mine'].map(name => join(folder, name)) as [string, string, string]
  for (const path of [hosts, shut, mine]) mkdirSync(path)
  chmodSync(shut, 0o700)
  for (const path of [join(hosts, 'a.yaml'), join(mine, 'leases.jsonl')]) writeFileSync(path, '[]', { mode: 0o600 })
  const nobody = 65_534
  chownSync(mine, nobody, nobody)
  process.seteuid?.(nobody)
  let problems: readonly string[]
  let written: ReadonlyArray<PromiseSettledResult<unknown>>
  try {
    problems = [...(await new HostsFolder(hosts).read()).problems, ...(await new HostsFolder(join(shut, 'hosts.d')).read()).problems]
    written = await Promise.allSettled([writeFileAtomic(join(hosts, 'b.yaml'), '[]'), appendFile(join(mine, 'leases.jsonl'), 'x').catch((error: unknown) => { throw writeError(join(mine, 'leases.jsonl'), error) })])
  } finally {
    process.seteuid?.(0)
  }
  t.equal(problems.length, 2)
  t.match(problems[0], /a\.yaml: EACCES.*; \S+\/hosts\.d\/a\.yaml belongs to root, and this runs as \w+: chown -R \w+: \S+a\.yaml$/)
  t.match(problems[1], /; \S+\/shut belongs to root, and this runs as \w+: chown -R \w+: \S+\/shut$/)
  t.match(written[0], { reason: { code: 'write_failed', message: /; \S+\/hosts\.d belongs to root, and this runs as \w+: chown -R \w+: \S+\/hosts\.d$/ } })
  t.match(written[1], { reason: { message: /; \S+leases\.jsonl belongs to root, and this runs as \w+: chown -R/ } }, 'what grows is the file itself')
})
