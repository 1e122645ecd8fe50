// Commands that only look: the store as it was when they began, and nothing that watches it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { openGround } from '../../src/wiring/ground.js'
import { openStore } from '../../src/wiring/looking.js'
import { openFolder } from '../../src/wiring/store-transfer.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { until } from '../helpers/until.js'

const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })
const watchers = (): number => process.getActiveResourcesInfo().filter(name => name.startsWith('FSEvent')).length

t.test('what only looks watches nothing', async t => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'groups'))
  writeFileSync(join(folder, 'groups/a.json'), '{"id":"a"}')
  const loaded = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`data_path=${folder}`, `state_path=${folder}`, 'assets_path='] })
  const ground = (live: boolean) => openGround(loaded, { log, clock: new FakeClock(), passphrase: '', env: {}, live, onProblem: error => { throw error } })
  const before = watchers()
  const live = await ground(true)
  t.ok(watchers() > before, 'a running appliance does')
  await live.close()
  await until('its watchers are gone', () => watchers() === before)
  const openings: Readonly<Record<string, () => Promise<{ readonly close: () => Promise<void> }>>> = {
    openStore: () => openStore(loaded.config, log),
    openFolder: () => openFolder(folder, { log, fill: false }),
    'openGround, not live': () => ground(false)
  }
  for (const [name, open] of Object.entries(openings)) {
    const opened = await open()
    t.equal(watchers(), before, name)
    await opened.close()
  }
})
