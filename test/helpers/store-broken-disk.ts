// Run by a test in a folder on a tiny file system of its own mount namespace: the store and the lines while the file system is read-only,
// while a file can not be taken away or replaced since something is mounted over it, and while it is full. Prints what came of each.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.js'
import { AppError } from '../../src/base/errors.js'
import { JsonLines } from '../../src/disk/json-lines.js'
import { openFileStore } from '../../src/store/file-store.js'
import { quiet } from './grpc-appliance.js'
import { makeGroup } from './memory-store.js'

const folder = process.argv[2]!
const store = await openFileStore({ dataPath: folder, tombstoneMs: 0, clock: systemClock, log: quiet, watch: false })
const lines = new JsonLines<string>({
  path: join(folder, 'state/x.jsonl'), kind: 'x', version: 1, log: quiet, format: text => JSON.stringify(text), parse: line => JSON.parse(line) as string, current: () => []
})
const mount = (...words: readonly string[]): void => { execFileSync('mount', words, { stdio: ['ignore', 'ignore', 'inherit'] }) }
const told: string[] = []
store.onChange(changes => { told.push(...changes.map(({ what, name }) => `${what} ${name}`)) })
const tried = async (work: Promise<unknown>): Promise<string> =>
  await work.then(() => 'done', (error: unknown) => error instanceof AppError ? `${error.code}: ${error.message.replaceAll(folder, '')}` : String(error))
const group = (id: string, profile = 'p') => makeGroup({ id, profile })
const profileOnDisk = (id: string): unknown => (JSON.parse(readFileSync(join(folder, `groups/${id}.json`), 'utf8')) as { profile: unknown }).profile

await store.putGroup(group('a'))
await store.putGroup(group('b'))
told.length = 0

mount('-o', 'remount,ro', folder)
const readOnly = [await tried(store.putGroup(group('c'))), await tried(store.putGroup(group('a', 'q'))), await tried(store.deleteGroup('a'))]
const unreadable = await tried(lines.load())
mount('-o', 'remount,rw', folder)
const afterReadOnly = { told: [...told], groups: [...store.snapshot.groups.keys()], profile: store.snapshot.groups.get('a')?.profile, onDisk: profileOnDisk('a') }

await lines.load()
await lines.append('one')
const mounted = join(folder, 'groups/a.json')
writeFileSync(join(folder, 'other'), '{"id":"a","profile":"mounted"}')
mount('--bind', join(folder, 'other'), mounted)
const busy = [await tried(store.deleteGroup('a')), await tried(store.putGroup(group('a', 'q')))]
const afterBusy = { told: [...told], has: store.snapshot.groups.has('a'), there: existsSync(mounted) }
execFileSync('umount', [mounted])

writeFileSync(join(folder, 'filler'), Buffer.alloc(4096))
try {
  for (;;) writeFileSync(join(folder, 'filler'), Buffer.alloc(4096), { flag: 'a' })
} catch { /* until there is no room */ }
const full = [await tried(store.putGroup(group('d'))), await tried(lines.append('two'.repeat(2000))), await tried(store.deleteGroup('b'))]
const afterFull = { told: [...told], groups: [...store.snapshot.groups.keys()], files: readdirSync(join(folder, 'groups')).sort() }
rmSync(join(folder, 'filler'))

const mended = [await tried(store.putGroup(group('a', 'q'))), await tried(store.deleteGroup('a')), await tried(lines.append('three'))]
await lines.close()
await store.close()
console.log(JSON.stringify({
  readOnly, unreadable, afterReadOnly, busy, afterBusy, full, afterFull, mended, files: readdirSync(join(folder, 'groups')).sort(), lines: readFileSync(join(folder, 'state/x.jsonl'), 'utf8').trim().split('\n')
}))
