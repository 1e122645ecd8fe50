// A store that is carried elsewhere: what is not there yet is made, and what is there and cannot be read is never taken for empty.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { openFolder } from '../../src/wiring/store-transfer.js'
import { logLines } from '../helpers/log-lines.js'

const log = createLog({ level: 'error', pretty: false, destination: logLines().stream })

t.test('a folder to be filled is empty when it is missing, not when something else stands in its place', async t => {
  const folder = t.testdir()
  const at = (name: string): string => join(folder, name)
  mkdirSync(at('empty'))
  writeFileSync(at('file'), 'somebody\'s')
  symlinkSync(at('nowhere'), at('dangling'))
  symlinkSync(at('loop'), at('loop'))
  for (const name of ['missing', 'empty']) {
    const shelf = await openFolder(at(name), { log, fill: true })
    t.match(shelf, { where: at(name), files: new Map(), problems: [] }, name)
    await shelf.close()
  }
  for (const name of ['file', 'dangling', 'loop']) await t.rejects(openFolder(at(name), { log, fill: true }), { code: 'read_failed' }, name)
  await t.rejects(openFolder(at('missing'), { log, fill: false }), { code: 'read_failed' }, 'what is to be read has to be there')
  t.equal(readFileSync(at('file'), 'utf8'), 'somebody\'s')
})
