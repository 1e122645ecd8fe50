import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { memoryFile, type OpenFile } from '../../src/disk/open-file.js'
import type { FileSource } from '../../src/tftp/file-source.js'
import { ownOrSpare, ownPatience, type OwnLoaders } from '../../src/loaders/spare-loaders.js'
import { FakeClock } from '../helpers/fake-clock.js'

const client = { client: '10.0.0.9' }
const files = (whose: string, ...names: readonly string[]): FileSource => ({
  open: async name => names.includes(name) ? memoryFile(`${whose} ${name}`, Buffer.from(name)) : undefined
})
const failing = (error: Error): FileSource => ({ open: async () => { throw error } })
const failure = (code: string): Error => Object.assign(new Error(code), { code })

const own = (of: FileSource, turns = { unanswered: 0 }, isShut = false): OwnLoaders => ({ files: of, turns, isShut: async () => isShut })

t.test('the owner\'s file, else that of the others', async t => {
  const clock = new FakeClock()
  const { open } = ownOrSpare(own(files('own', 'a')), files('spare', 'a', 'b'), clock)
  t.equal((await open('a', client))?.path, 'own a')
  t.equal((await open('b', client))?.path, 'spare b')
  t.equal(await open('c', client), undefined)
  t.equal(clock.pending, 0)
})

t.test('a disk that fails leaves what the others have; of what they have not, it is its failure', async t => {
  for (const error of [failure('EIO'), failure('ESTALE'), failure('ENOTCONN'), new AppError('read_failed', 'the disk does not answer')]) {
    const { open } = ownOrSpare(own(failing(error)), files('spare', 'a'), new FakeClock())
    t.equal((await open('a', client))?.path, 'spare a')
    await t.rejects(open('b', client), error)
  }
  for (const error of [failure('EACCES'), new AppError('permission_denied', 'a link that leads elsewhere')]) {
    await t.rejects(ownOrSpare(own(failing(error)), files('spare', 'a'), new FakeClock()).open('a', client), error, 'that file may not be read: no other takes its place')
  }
})

t.test('in a folder that is shut no file may be read, and each has another in its place', async t => {
  for (const code of ['EACCES', 'EPERM']) {
    const { open } = ownOrSpare(own(failing(failure(code)), undefined, true), files('spare', 'a'), new FakeClock())
    t.equal((await open('a', client))?.path, 'spare a')
    t.equal(await open('b', client), undefined)
  }
  const link = new AppError('permission_denied', 'a link that leads elsewhere')
  await t.rejects(ownOrSpare(own(failing(link), undefined, true), files('spare', 'a'), new FakeClock()).open('a', client), link)
})

t.test('a disk that does not answer is waited for for a moment; what it opens then is closed', async t => {
  const clock = new FakeClock()
  let answer = (_file: OpenFile): void => {}
  const silent: FileSource = { open: () => new Promise(resolve => { answer = resolve }) }
  const turns = { unanswered: 0 }
  const { open } = ownOrSpare(own(silent, turns), files('spare', 'a'), clock)
  const [a, b] = [open('a', client), open('b', client)]
  let isWaiting = true
  void a.then(() => { isWaiting = false })
  turns.unanswered = ownPatience - 1
  clock.advance(60_000)
  await new Promise(resolve => { setImmediate(resolve) })
  t.ok(isWaiting, 'while it answers others it is slow, however late it is')
  turns.unanswered = ownPatience
  clock.advance(100)
  t.equal((await a)?.path, 'spare a')
  await t.rejects(b, { code: 'read_failed', message: 'b of tftp.root: its disk does not answer' })
  let closed = 0
  answer({ ...memoryFile('own b', Buffer.from('b')), close: async () => { closed++ } })
  await new Promise(resolve => { setImmediate(resolve) })
  t.equal(closed, 1)
  t.equal(clock.pending, 0)
})
