import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startAppliance } from '../../src/appliance.js'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { assetsAmiss, loadersAmiss, watchFolders } from '../../src/wiring/folder-amiss.js'
import { homesOf } from '../../src/wiring/homes.js'
import { loadersNow } from '../../src/wiring/missing-loaders.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { freePort } from '../helpers/free-port.js'
import { logLines } from '../helpers/log-lines.js'
import { shortFolder } from '../helpers/short-folder.js'
import { until } from '../helpers/until.js'

t.test('a folder that fails while the service runs is told, in /readyz and in the log, as it comes and goes', async t => {
  const folder = t.testdir({ assets: {}, loaders: 'no folder' })
  const assets = join(folder, 'assets')
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`assets_path=${assets}`, `tftp.root=${folder}/loaders`] })
  const [clock, { stream, entries }] = [new FakeClock(), logLines()]
  const log = createLog({ level: 'info', pretty: false, destination: stream })
  const closers: Array<() => Promise<void>> = []
  const ofLoaders = await loadersAmiss(loaded) ?? ''
  t.match(ofLoaders, /tftp\.root: .*loaders is .*: loaders come from .* alone/)
  const warnings = watchFolders({ loaded, clock, log, onClose: close => { closers.push(close) } }, ['another', ofLoaders])
  t.same(warnings(), ['another', ofLoaders])
  const look = async (what: string, isSo: () => boolean): Promise<void> => {
    await until(what, () => {
      clock.advance(30_000)
      return isSo()
    })
  }

  rmSync(assets, { recursive: true })
  writeFileSync(assets, 'in its place')
  await look('the assets are told of', () => warnings().length === 3)
  t.match(await assetsAmiss(loaded), /assets_path: .*nothing below \/assets\/ is served/)
  t.same(warnings(), ['another', await assetsAmiss(loaded), ofLoaders])
  for (const name of ['assets', 'loaders']) {
    rmSync(join(folder, name))
    mkdirSync(join(folder, name))
  }
  await look('all is well again', () => warnings().length === 1)
  t.same(warnings(), ['another'])
  t.match(entries().map(({ msg }) => msg), ['folder.amiss', 'folder.well', 'folder.well'], 'what was told at the start is not told again')
  for (const close of closers) await close()
  t.equal(clock.pending, 0)
})

t.test('a loader that is put in its place later is no longer missed, and one that goes is', async t => {
  const folder = t.testdir({ loaders: {} })
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['assets_path=""', `tftp.root=${folder}/loaders`, 'boot.bios=own.kpxe', 'boot.uefi_x64=pxelinux.0'] })
  const [clock, { stream, entries }] = [new FakeClock(), logLines()]
  const log = createLog({ level: 'info', pretty: false, destination: stream })
  const ground = { loaded, config: loaded.config, clock, homes: homesOf(loaded.config), store: { snapshot: { groups: new Map() } } }
  const loaders = loadersNow(ground as never)
  const closers: Array<() => Promise<void>> = []
  writeFileSync(join(folder, 'loaders/pxelinux.0'), 'x')
  const atStart = (await loaders?.() ?? []).filter(text => text.includes('own.kpxe'))
  t.match(atStart, [/^boot loader own\.kpxe is in none of \S+loaders, /])
  const warnings = watchFolders({ loaded, clock, log, loaders, onClose: close => { closers.push(close) } }, atStart)
  t.same(warnings(), atStart)
  const look = (what: string, isSo: (text: string) => boolean): Promise<void> => until(what, () => {
    clock.advance(30_000)
    return isSo(warnings().join('\n'))
  })
  writeFileSync(join(folder, 'loaders/own.kpxe'), 'x')
  await look('it is there', text => !text.includes('own.kpxe'))
  rmSync(join(folder, 'loaders/own.kpxe'))
  await look('it is gone', text => text.includes('own.kpxe'))
  t.equal(entries().filter(({ msg, warning }) => msg === 'folder.amiss' && String(warning).includes('own.kpxe')).length, 1)
  for (const close of closers) await close()
  t.equal(loadersNow({ ...ground, config: { ...loaded.config, tftp: { ...loaded.config.tftp, address: null } } } as never), undefined)
})

t.test('the running program says so in /readyz, and is ready all the same', async t => {
  const folder = t.testdir({ data: {}, assets: {} })
  const port = await freePort()
  const set = [
    `data_path=${folder}/data`, `assets_path=${folder}/assets`, `state_path=${folder}/state`, `control_socket=${shortFolder(t)}/c`,
    `http.address=127.0.0.1:${port}`, 'tftp.address=', 'rpc.address='
  ]
  // What is looked at every half a minute is looked at every 300 ms.
  const clock: Clock = { ...systemClock, every: (milliseconds, fire) => systemClock.every(milliseconds / 100, fire) }
  const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })
  const appliance = await startAppliance(loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set }), { log, clock })
  t.teardown(() => appliance.close())
  const ready = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`)
    return `${answer.status} ${await answer.text()}`
  }
  t.notMatch(await ready(), /assets_path/)
  rmSync(join(folder, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'assets'), 'in its place')
  await until('it is told', async () => /^200 ok\n(?:.*\n)*warning: .*assets_path: .*nothing below \/assets\/ is served$/m.test(await ready()))
  rmSync(join(folder, 'assets'))
  await until('it is told no more', async () => !/assets_path/.test(await ready()))
})
