// One process's state is no other's, however the first one ended and whatever becomes of the lock's file.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { lockHolder } from '../../src/disk/folder-lock.js'
import { lockState, stateHolder } from '../../src/wiring/state-lock.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const log = pino({ level: 'silent' })
const loadedIn = (folder: string): ReturnType<typeof loadConfig> =>
  loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${folder}`] })

t.test('the second is refused, and has it when the first let go', async t => {
  const loaded = loadedIn(t.testdir())
  t.equal(await stateHolder(loaded.config), undefined, 'nobody')
  const first = await lockState(loaded, log)
  t.equal(await stateHolder(loaded.config), process.pid)
  await t.rejects(lockState(loaded, log), {
    code: 'state_busy',
    message: `--set state_path: state_path: another core-provisioner (pid ${process.pid}) has ${loaded.config.state_path}: stop it, or give this one a state_path of its own`
  })
  await first.release()
  t.equal(await stateHolder(loaded.config), undefined, 'a file alone is nobody')
  await (await lockState(loaded, log)).release()
})

t.test('a lock that was removed is taken again, or told of', async t => {
  const folder = t.testdir()
  const loaded = loadedIn(folder)
  const clock = new FakeClock()
  const told: Array<string | undefined> = []
  const closers: Array<() => Promise<void>> = []
  const first = await lockState(loaded, log)
  first.watch(clock, closer => { closers.push(closer) }, problem => { told.push(problem) })
  clock.advance(5000)
  rmSync(folder, { recursive: true })
  while (told.length === 0) await looked(clock)
  t.equal(told.at(-1), undefined, 'its own again')
  t.equal(await lockHolder(join(folder, 'lock')), process.pid)

  rmSync(join(folder, 'lock'))
  const second = await lockState(loaded, log)
  while (told.at(-1) === undefined) await looked(clock)
  t.match(told.at(-1), `(pid ${process.pid}) has ${folder}`, 'who was faster')
  await second.release()
  while (told.at(-1) !== undefined) await looked(clock)
  await first.release()
  for (const closer of closers) await closer()
  t.equal(clock.pending, 0)
})

/** A look is a call of the file system's: as many turns of the loop as that takes. */
async function looked (clock: FakeClock): Promise<void> {
  clock.advance(5000)
  await new Promise(resolve => { setImmediate(resolve) })
}

t.test('two looks at once do not take each other for another process', async t => {
  const folder = t.testdir()
  const clock = new FakeClock()
  const told: Array<string | undefined> = []
  const lock = await lockState(loadedIn(folder), log)
  lock.watch(clock, closer => { t.teardown(closer) }, problem => { told.push(problem) })
  rmSync(join(folder, 'lock'))
  clock.advance(20_000)
  while (told.length === 0) await looked(clock)
  for (let n = 0; n < 100; n++) await looked(clock)
  t.same(told, [undefined])
  await lock.release()
})

t.test('where there can be no lock, it is said once and nobody is kept from booting', async t => {
  const folder = t.testdir({ lock: {} })
  const clock = new FakeClock()
  const lines = logLines()
  const lock = await lockState(loadedIn(folder), pino(lines.stream))
  t.match(lines.entries(), [{ msg: 'state.unlocked', error: /lock/ }])
  lock.watch(clock, closer => { t.teardown(closer) }, problem => { t.fail(`told: ${problem}`) })
  for (let n = 0; n < 100; n++) await looked(clock)
  t.equal(lines.entries().length, 1)
  await lock.release()
})

/** All on loopback, with a state that is another's too. */
function site (t: Test, state: string): readonly string[] {
  const folder = shortFolder(t)
  for (const name of ['store/groups', 'store/profiles']) mkdirSync(join(folder, name), { recursive: true })
  return [`data_path=${folder}/store`, `state_path=${state}`, `control_socket=${folder}/s`, 'assets_path=', 'http.address=127.0.0.1:0', 'rpc.address=', 'tftp.address=']
    .flatMap(pair => ['--set', pair])
}

t.test('serve, check and doctor say so; a kill leaves nothing behind', async t => {
  const state = join(t.testdir(), 'state')
  const one = new Program(['serve', ...site(t, state)])
  t.teardown(() => one.child.kill('SIGKILL'))
  await one.logged('appliance.ready')
  const set = site(t, state)
  const says = `another core-provisioner (pid ${one.child.pid}) has ${state}: stop it, or give this one a state_path of its own`
  const refused = await new Program(['serve', ...set]).end()
  t.not(refused.status, 0)
  t.match(refused.stderr, `state_path: ${says}\n`)
  const [checked, doctored] = await Promise.all(['check', 'doctor'].map(command => new Program([command, ...set]).end()))
  t.same([checked?.status, doctored?.status], [1, 1])
  t.match(checked?.stderr, `error: ${says}`)
  t.match(doctored?.stdout, `PROBLEM  state: ${says}`)
  await one.end('SIGKILL')
  const two = new Program(['serve', ...set])
  t.teardown(() => two.child.kill('SIGKILL'))
  await two.logged('appliance.ready')
  t.notMatch((await new Program(['doctor', ...set]).end()).stdout, /another core-provisioner/, 'its own')
  t.notMatch((await new Program(['check', ...set]).end()).stderr, /another core-provisioner/)
  t.equal((await two.end('SIGTERM')).status, 0)
})
