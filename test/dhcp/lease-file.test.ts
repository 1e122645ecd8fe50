// Leases over real files: what survives a torn tail, a bad line, a full disk, a rewrite, SIGKILL.
import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { formatLease, LeaseFile, type LeaseFileOptions, parseLease } from '../../src/dhcp/lease-file.js'
import type { Proposal } from '../../src/dhcp/lease-store.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { createLog } from '../../src/base/log.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { ip, mac, testMac } from '../helpers/dhcp.js'
import { logLines } from '../helpers/log-lines.js'
import { able } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const silent = createLog({ level: 'error', pretty: false, destination: logLines().stream })
const lease = (n: number, more: Partial<Lease> = {}): Lease =>
  ({ ip: ip('10.0.0.0') + n, mac: testMac, state: 'bound', since: 1000, expires: 2000 + n, ...more })
const now = 1_000_000
const proposal = (lease: Lease): Proposal => ({ lease, now })

interface Opened { readonly file: LeaseFile, readonly table: LeaseTable, readonly loaded: readonly Lease[] }

async function opened (path: string, more: Partial<LeaseFileOptions> = {}): Promise<Opened> {
  const table = new LeaseTable()
  const file = new LeaseFile({ path, log: silent, current: () => table.values(), ...more })
  const loaded = await file.load(now)
  for (const one of loaded) table.set(one)
  return { file, table, loaded }
}

/** Without the header. */
const lines = (path: string): string[] => readFileSync(path, 'utf8').split('\n').filter(line => line !== '' && !line.startsWith('{"format"'))

t.test('what was kept is there again', async t => {
  const path = join(t.testdir(), 'state', 'leases.jsonl')
  const first = await opened(path)
  t.same(first.loaded, [], 'no file yet, nor its folder')
  const all = [lease(1, { hostName: 'core-1' }), lease(2, { state: 'declined', declines: 3 }), lease(1, { state: 'released', expires: 1500 })]
  for (const one of all) await first.file.propose(proposal(one))
  await first.file.close()
  const again = await opened(path)
  t.same(again.loaded, all)
  t.equal(again.table.get(ip('10.0.0.1'))?.state, 'released', 'the last line of an address counts')
  await again.file.close()
  await t.rejects(again.file.propose(proposal(lease(3))), AppError, 'closed')
})

t.test('a torn last line is left out and written over', async t => {
  const path = join(t.testdir(), 'leases.jsonl')
  writeFileSync(path, `${formatLease(lease(1))}\n${formatLease(lease(2)).slice(0, 40)}`)
  const { stream, entries } = logLines()
  const { file, table, loaded } = await opened(path, { log: createLog({ level: 'warn', pretty: false, destination: stream }) })
  t.same(loaded, [lease(1)])
  t.match(entries(), [{ msg: 'lease.torn', bytes: 40 }])
  table.set(lease(3))
  await file.propose(proposal(lease(3)))
  await file.close()
  t.same(lines(path).map(parseLease), [lease(1), lease(3)])
})

t.test('a line that is no lease is told of and passed over', async t => {
  const path = join(t.testdir(), 'leases.jsonl')
  const bad = ['{', 'null', '7', '[]', '{"ip":"10.0.0.300"}', formatLease(lease(2, { state: 'offered' })),
    formatLease(lease(2)).replace(testMac, 'zz'), formatLease(lease(2)).replace(/"expires":\d+/, '"expires":"soon"'), '\u0000\u0001']
  writeFileSync(path, [formatLease(lease(1)), ...bad, formatLease(lease(3)), ''].join('\n'))
  const { stream, entries } = logLines()
  const { file, loaded } = await opened(path, { log: createLog({ level: 'warn', pretty: false, destination: stream }) })
  t.same(loaded, [lease(1), lease(3)])
  t.same(entries().map(entry => entry['file']), bad.map((_, index) => `${path}:${index + 2}`))
  await file.close()
})

t.test('a file that can not be read is an error that names it', async t => {
  const path = join(t.testdir({ 'leases.jsonl': {} }), 'leases.jsonl')
  await t.rejects(opened(path), { name: 'AppError', code: 'read_failed', message: /leases\.jsonl/ })
})

t.test('one sync serves all leases that wait for it', async t => {
  const syncs: number[] = []
  const path = join(t.testdir(), 'leases.jsonl')
  const { file } = await opened(path, { onSync: (_, leases) => { syncs.push(leases) } })
  await Promise.all(Array.from({ length: 500 }, async (_, n) => { await file.propose(proposal(lease(n))) }))
  t.ok(syncs.length <= 3, `${syncs.length} syncs for 500 leases`)
  t.equal(syncs.reduce((a, b) => a + b, 0), 500)
  t.equal(lines(path).length, 500)
  await file.close()
})

t.test('a file of stale lines is rewritten, without offers, and goes on', async t => {
  const path = join(t.testdir(), 'leases.jsonl')
  const { file, table } = await opened(path, { slack: 10 })
  const keep = async (one: Lease): Promise<void> => {
    table.set(one)
    await file.propose(proposal(one))
  }
  table.set(lease(9, { state: 'offered' }))
  for (let turn = 0; turn < 40; turn++) await keep(lease(turn % 3, { expires: turn }))
  t.ok(lines(path).length < 20, `${lines(path).length} lines`)
  await file.close()
  const again = await opened(path)
  t.same([...again.table.values()].map(one => one.expires).sort(), [37, 38, 39])
  await again.file.close()
})

t.test('closing waits for what is being written', async t => {
  const path = join(t.testdir(), 'leases.jsonl')
  const { file } = await opened(path)
  const written = Array.from({ length: 20 }, async (_, n) => { await file.propose(proposal(lease(n))) })
  await file.close()
  await Promise.all(written)
  t.equal(lines(path).length, 20)
})

t.test('a full disk: the lease is refused, the file stays whole, and it goes on when there is room', async t => {
  const folder = join(t.testdir(), 'tiny')
  mkdirSync(folder)
  let problem: string | undefined
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    problem = `no tmpfs can be mounted here: ${String(error).split('\n')[0]}`
  }
  if (!able(t, problem)) return
  try {
    const path = join(folder, 'leases.jsonl')
    const { file } = await opened(path)
    let kept = 0
    let refused: unknown
    while (refused === undefined && kept < 1000) {
      await file.propose(proposal(lease(kept))).then(() => { kept++ }, (error: unknown) => { refused = error })
    }
    t.match(refused, { name: 'AppError', code: 'disk_full', message: /no space is left/ })
    t.same(lines(path).map(line => parseLease(line)?.expires), Array.from({ length: kept }, (_, n) => 2000 + n))
    await t.rejects(file.propose(proposal(lease(1))), { code: 'disk_full' })
    execFileSync('mount', ['-o', 'remount,size=64k', folder])
    await file.propose(proposal(lease(777)))
    await file.close()
    t.equal(lines(path).length, kept + 1)
  } finally {
    execFileSync('umount', [folder])
  }
})

t.test('times that could not be written when the clock was set are, once there is room', async t => {
  const folder = t.testdir({ leases: {}, other: {} })
  const path = join(folder, 'leases', 'leases.jsonl')
  const { file, table } = await opened(path)
  table.set(lease(1))
  await file.propose(proposal(lease(1)))
  // A new file can not be made there: the old one is moved away whole, and stands behind a name that is no folder's.
  const hide = (): void => {
    renameSync(join(folder, 'leases'), join(folder, 'away'))
    writeFileSync(join(folder, 'leases'), '')
  }
  const show = (): void => {
    rmSync(join(folder, 'leases'))
    renameSync(join(folder, 'away'), join(folder, 'leases'))
  }
  table.shift(5000)
  hide()
  await file.rewrite()
  await file.verify()
  show()
  t.same(lines(path).map(parseLease), [lease(1)], 'as it was')
  await file.verify()
  t.same(lines(path).map(parseLease), [lease(1, { since: 6000, expires: 7001 })])
  const { ino } = statSync(path)
  await file.verify()
  t.equal(statSync(path).ino, ino, 'once')
  table.shift(5000)
  hide()
  await file.rewrite()
  show()
  await file.close()
  t.same(lines(path).map(parseLease), [lease(1, { since: 11000, expires: 12001 })], 'at the end too')
})

t.test('SIGKILL at any time loses no lease that was acknowledged', async t => {
  const path = join(t.testdir(), 'leases.jsonl')
  const program = fileURLToPath(new URL('../helpers/lease-writer.ts', import.meta.url))
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, [typescript, program, path, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const acknowledged: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line)
      if (acknowledged.length === 50 + round * 37) child.kill('SIGKILL')
    }
    const { file, loaded } = await opened(path)
    const found = new Set(loaded.map(one => `${formatIpv4(one.ip)} ${one.expires}`))
    t.same(acknowledged.filter(line => !found.has(line)), [], `${acknowledged.length} acknowledged in round ${round}`)
    await file.close()
  }
  appendFileSync(path, '{"torn')
  t.ok((await opened(path)).loaded.length > 0)
})

t.test('removed while nobody asks for a lease: it is there again when it is looked at; all times anew after the clock was set', async t => {
  const path = join(t.testdir(), 'leases.jsonl')
  const { file, table } = await opened(path)
  table.set(lease(1))
  await file.propose(proposal(lease(1)))
  rmSync(path)
  await file.verify()
  t.same(lines(path).map(parseLease), [lease(1)])
  const { ino } = statSync(path)
  const holdsInode = openSync(path, 'r')
  for (let looks = 0; looks < 3; looks++) await file.verify()
  t.equal(statSync(path).ino, ino, 'and is written once')
  closeSync(holdsInode)
  table.shift(5000)
  await Promise.all([file.rewrite(), file.propose(proposal(lease(2))), file.verify()])
  await file.close()
  t.same(lines(path).map(parseLease), [lease(1, { since: 6000, expires: 7001 }), lease(2)])
  await file.verify()
})

t.test('who could not be written down holds nothing', async t => {
  const { file } = await opened(join(t.testdir(), 'leases.jsonl'))
  await file.propose(proposal(lease(1)))
  await file.close()
  const [other, third] = [mac('52:54:00:00:00:02'), mac('52:54:00:00:00:03')]
  // One address whose lease is over, and one that nobody had: asked for by two, of whom neither is refused for the other.
  for (const n of [1, 2]) {
    for (const client of [other, third]) await t.rejects(file.propose(proposal(lease(n, { mac: client, expires: now + 1000 }))), AppError, `${n}, ${client}`)
  }
})
